// The words by which a text points at its answer, in the languages of AnswerLanguage, in lower case. "Answer" is what anchors;
// a copula is what stands before a value; fillers may come between the two. Languages without spaces are matched at the end.
import type { AnswerLanguage } from "../Verdict.ts"

export interface Phrases {
  /** Nouns that announce the answer. */
  readonly answers: ReadonlyArray<string>
  /** Words directly before a value. */
  readonly copulas: ReadonlyArray<string>
  /** Words that may stand between a copula and a value. */
  readonly fillers: ReadonlyArray<string>
  /** Words that deny the value after them. */
  readonly negations: ReadonlyArray<string>
  /** What joins two values into one answer. */
  readonly joints: ReadonlyArray<string>
  /** Words that announce a choice, besides `answers`. */
  readonly choices: ReadonlyArray<string>
}

export const phrasesByLanguage: Readonly<Record<AnswerLanguage, Phrases>> = {
  english: {
    answers: ["answer", "answers", "ans", "final result", "final value"],
    copulas: [
      "is",
      "are",
      "was",
      "be",
      "equals",
      "equal",
      "'s",
      "gives",
      "get",
      "yields",
      "becomes",
      "get:",
      "makes",
      "totals"
    ],
    fillers: [
      "to",
      "exactly",
      "approximately",
      "about",
      "roughly",
      "only",
      "just",
      "simply",
      "therefore",
      "thus",
      "then",
      "now",
      "also",
      "indeed",
      "a",
      "an",
      "total",
      "of",
      "by",
      "option",
      "choice",
      "letter",
      "for",
      "sure",
      "definitely",
      "the",
      "number",
      "integer",
      "value",
      "around",
      "either",
      "hence",
      "clearly",
      "still",
      "interval",
      "pair",
      "fraction",
      "point",
      "set"
    ],
    negations: ["not", "isn't", "isnt", "never", "aren't", "cannot", "can't", "wasn't"],
    joints: ["and", "or", "maybe", "perhaps", "possibly"],
    choices: ["option", "choice", "choose", "select", "pick"]
  },
  french: {
    answers: ["réponse", "reponse", "réponses", "résultat final"],
    copulas: ["est", "sont", "vaut", "soit", "égale", "égal", "donne"],
    fillers: ["à", "de", "donc", "environ", "exactement", "alors", "bien", "la", "le", "l'", "un", "une", "d'"],
    negations: ["pas", "non"],
    joints: ["et", "ou"],
    choices: ["option", "choix"]
  },
  german: {
    answers: ["antwort", "antworten", "endergebnis", "endantwort"],
    copulas: ["ist", "sind", "lautet", "lauten", "beträgt", "gleich", "ergibt"],
    fillers: [
      "also",
      "daher",
      "somit",
      "genau",
      "etwa",
      "ungefähr",
      "die",
      "der",
      "das",
      "eine",
      "ein",
      "option",
      "zahl"
    ],
    negations: ["nicht", "kein", "keine"],
    joints: ["und", "oder"],
    choices: ["option", "wahl"]
  },
  spanish: {
    answers: ["respuesta", "respuestas", "resultado final"],
    copulas: ["es", "son", "sería", "igual", "da"],
    fillers: [
      "a",
      "de",
      "exactamente",
      "aproximadamente",
      "entonces",
      "la",
      "el",
      "un",
      "una",
      "opción",
      "por",
      "tanto"
    ],
    negations: ["no"],
    joints: ["y", "o"],
    choices: ["opción", "opcion", "elección"]
  },
  russian: {
    answers: ["ответ", "ответы", "ответом", "итоговый результат"],
    copulas: ["равен", "равна", "равно", "равны", "составляет", "есть", "является", "будет", "это"],
    fillers: ["примерно", "ровно", "таким", "образом", "вариант", "число"],
    negations: ["не"],
    joints: ["и", "или"],
    choices: ["вариант", "выбор"]
  },
  chinese: {
    answers: ["答案", "故选", "故選", "答:", "答：", "最终结果", "最終結果"],
    copulas: ["是", "为", "為", "等于", "等於", "共", "有", "得", "得到"],
    fillers: ["约", "約", "大约", "选项", "選項", "选", "選"],
    negations: ["不是", "不为", "并非", "非"],
    joints: ["和", "或", "、", "与"],
    choices: ["选", "選", "选项", "選項", "选择"]
  },
  arabic: {
    answers: ["الإجابة", "الاجابة", "الجواب", "إجابة", "النتيجة النهائية", "الناتج النهائي"],
    copulas: ["هو", "هي", "يساوي", "تساوي", "تكون", "يكون"],
    fillers: ["تقريبا", "حوالي", "إذن", "النهائية", "الصحيحة", "النهائي"],
    negations: ["ليس", "ليست", "لا"],
    joints: ["و", "أو"],
    choices: ["الخيار", "خيار"]
  }
}

export const languages: ReadonlyArray<AnswerLanguage> = [
  "english",
  "french",
  "german",
  "spanish",
  "russian",
  "chinese",
  "arabic"
]

const all = (pick: (phrases: Phrases) => ReadonlyArray<string>): ReadonlyArray<string> =>
  languages.flatMap((language) => pick(phrasesByLanguage[language]))

export const copulas: ReadonlySet<string> = new Set(all((phrases) => phrases.copulas))
export const fillers: ReadonlySet<string> = new Set(all((phrases) => phrases.fillers))
export const negations: ReadonlySet<string> = new Set(all((phrases) => phrases.negations))
export const joints: ReadonlySet<string> = new Set(all((phrases) => phrases.joints))
/** Copulas, fillers and negations of a language without spaces between words. */
export const chineseEndings = phrasesByLanguage.chinese

/** Words for a hundredth that may follow a value. */
export const percentWords =
  /[ \t\u00a0*_$"”')\]]{0,6}\\?(?:[%％٪]|per ?cent|pct|prozent|pour ?cent|por ciento|процент)/iy

/** Words of a sentence that takes its number back. */
export const uncertainties: ReadonlyArray<string> = [
  "not sure",
  "don't know",
  "do not know",
  "cannot determine",
  "can't determine",
  "cannot be sure",
  "unsure",
  "no idea",
  "hard to say",
  "impossible to say",
  "je ne sais pas",
  "weiß nicht",
  "no sé",
  "не знаю",
  "不知道",
  "不确定",
  "لا أعرف"
]

/** Words between a box and a later answer that say the box was wrong. */
export const retractions: ReadonlyArray<string> = [
  "wait",
  "wrong",
  "mistake",
  "incorrect",
  "correction",
  "actually",
  "oops",
  "sorry",
  "scratch that",
  "let me redo"
]

/** Words that turn what comes after them into a condition of what came before, at some distance or at once. */
export const conditions =
  /(?:^|[^\p{L}])(?:(?:since|because|where|whenever|given that|assuming|provided|weil|wobei|car|puisque|porque|donde|где|так как)(?!\p{L})[^.\0]{0,20}|(?:for|with|as|if|when)[\s($€£¥]{0,4})$/u

/** What makes an announced answer the final one. */
export const finals: ReadonlyArray<string> = ["final", "endergebnis", "endantwort", "итог", "最终", "最終", "النهائي"]

/** Texts that fill the place of an answer and are none. */
export const nonAnswers: ReadonlySet<string> = new Set([
  "unknown",
  "unclear",
  "unsure",
  "not sure",
  "not known",
  "not clear",
  "n/a",
  "idk",
  "tbd",
  "null",
  "error",
  "correct",
  "incorrect",
  "right",
  "wrong",
  "clear",
  "given",
  "found",
  "below",
  "above",
  "obtained",
  "verified",
  "here",
  "there",
  "hmm",
  "ok",
  "okay",
  "sorry",
  "done",
  "nan"
])
