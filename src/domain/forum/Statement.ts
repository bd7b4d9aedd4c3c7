// The statement inside of what somebody wrote around it: greetings, requests, thanks, labels and the author's own
// attempt are cut off the
// ends, never out of the middle. When in doubt a sentence stays.
import { pattern } from "./Pattern.ts"
import { asserts, hasOptions } from "./ProblemKind.ts"
import { hasTask, tasksOf, tasksOfSentence } from "./ProblemTasks.ts"
import { hasFormula, mathematicalWords, type Sentence, sentencesOf } from "./Sentences.ts"

export interface Statement {
  /** The statement with its line feeds; "" where nothing but talk was found. */
  readonly text: string
  readonly sentences: ReadonlyArray<Sentence>
  /** What follows it as the author's own solution or attempt; "" if nothing. */
  readonly attempt: string
}

const greeting = pattern(
  "iu",
  String.raw`^(?:hi|hey|hello|hiya|dear|greetings|good\s+(?:morning|evening|afternoon|day)|hola|bonjour|salut|`,
  String.raw`ciao|salve|hallo|guten\s+(?:tag|morgen|abend)|merhaba|selam|salam|namaste|xin\s+chào|olá|ola|привет|`,
  String.raw`здравствуйте|добрый\s+(?:день|вечер)|你好|こんにちは)(?!\p{L})(?:\s+(?:to\s+)?(?:all|everyone|everybody|`,
  String.raw`evry1|every1|evryone|every\s+one|guys|folks|friends|people|there|again|mathlinkers|aopsers|`,
  String.raw`math\s*lovers|sirs?|à\s+tous|a\s+todos|tout\s+le\s+monde|zusammen|всем|of\s+you|`,
  String.raw`dear))*\s*[,!.:;~-]*\s*`
)
const thanks = pattern(
  "iu",
  String.raw`^(?:ok(?:ay)?|so|many|lots\s+of|a\s+lot\s+of|and|please|pls|muchas|mil|vielen|`,
  String.raw`herzlichen)?\s*(?:thanks|thank\s+(?:you|u)|thanx|thnx|thx|tnx|tks|cheers|regards|(?:best|`,
  String.raw`kind)\s+(?:regards|wishes)|merci|gracias|danke?|grazie|obrigado|спасибо|bye|goodbye)\b`
)
const farewell = pattern(
  "iu",
  String.raw`[,;.!]?\s*\b(?:thanks|thank\s+you|thanx|thx|(?:please|pls|plz)\s+help(?:\s+me)?|cheers|merci|`,
  String.raw`gracias)(?:\s+(?:in\s+advance|a\s+lot|so\s+much|very\s+much|everyone|all|guys|for\s+(?:your|the|`,
  String.raw`any)\s+\w+))*\s*[.!]*$`
)
const noun = "(?:problems?|questions?|exercises?|inequalit(?:y|ies)|puzzles?|challenges?|homework|hw|(?:nice|easy|" +
  "hard|cute|good|last|next|another|this)\\s+ones?|stuff)"
const introduction = new RegExp(
  `^(?:well|ok(?:ay)?|so|and|but|also|now|please|pls|plz|btw|again|,|\\s)*(?:here(?:'?s|\\s+is|\\s+are|` +
    `\\s+comes?|\\s+goes)|th(?:is|ese|ose|at)(?:'s|\\s+(?:is|are|was|were|came|comes|looks|seems))|` +
    `(?:i|we)(?:\\s+\\w+|'\\w+)?\\s+(?:found|find|created|made|have|had|saw|got|know|need|met|composed|` +
    `invented|came|read|like|remember|want|ha(?:ve|d)\\s+\\w+)|another|just|a\\s+(?:nice|hard|easy|cute|` +
    `good|beautiful|little|quick)|some|solve|try|look|consider)\\b.*\\b${noun}\\b`,
  "i"
)
const request = pattern(
  "iu",
  String.raw`\b(?:help\s+(?:me|us|with)|(?:need|want|appreciate|thankful\s+for)\s+(?:some\s+|your\s+|any\s+|`,
  String.raw`a\s+little\s+)?(?:help|hints?)|help\s+(?:is|would|will)|any\s+(?:help|ideas?|hints?|suggestions?|`,
  String.raw`solutions?|thoughts|comments?|takers|(?:one|body)\s+(?:know|help|solve|can|could|here|has))\b|`,
  String.raw`(?:can|could|would|will|may|does|do|did|has|have|is)\s+(?:anyone|anybody|any\s+one|any\s+body|`,
  String.raw`someone|somebody|some\s+one|ne1)\b|(?:can|could|would|will)\s+(?:you|u)\b|(?:do|did|have)\s+(?:you|`,
  String.raw`u|i)\s+(?:know|think|have|like|get|guys|seen|solve|solved|tried|heard|miss|start|do|need)\b|`,
  String.raw`how\s+(?:can|could|do|should|would|shall)\s+(?:i|you|we|u|one)\b|how\s+to\s+(?:solve|prove|show|do|`,
  String.raw`start|begin|proceed|approach|attack)\b|who\s+(?:can\s+(?:help|solve|prove|do)|knows)|what\s+(?:do|`,
  String.raw`did|would)\s+(?:you|i)\b|what\s+are\s+your\s+(?:thoughts|ideas|opinions)\b|(?:how\s+many|which|what|`,
  String.raw`all|some|any)\s+of\s+you\b|necesito\s+ayuda|me\s+pueden\s+ayudar|aidez|aider|brauche\s+hilfe|`,
  String.raw`помогите)\b`
)
const remark = pattern(
  "i",
  String.raw`\b(?:let\s+me\s+know|tell\s+me|i'?ll\s+(?:replace|post|edit)|i\s+will\s+(?:replace|post)|`,
  String.raw`post\s+(?:your|a|the|any|full|more)\s+(?:solutions?|answers?|proofs?|ideas?|problems?)|sorry|`,
  String.raw`apologi[sz]e|my\s+english|(?:nice|own|original)\s+problem|solutions?\s+(?:is|are)\s+welcome|`,
  String.raw`wrong\s+(?:section|forum|topic)|i'?m\s+new|new\s+(?:here|to\s+this)|posted\s+(?:before|already|`,
  String.raw`here)|already\s+(?:been\s+)?posted|have\s+fun|^good\s+luck|^enjoy|bump|don'?t\s+know\s+how|`,
  String.raw`no\s+idea|i'?m\s+stuck|i\s+am\s+stuck|got\s+stuck|(?:too|very|quite|really|not)\s+(?:easy|hard|`,
  String.raw`difficult)|try\s+it|happy\s+solving|^(?:an?\s+)?(?:very\s+|quite\s+|rather\s+)?(?:nice|cute|easy|`,
  String.raw`hard|beautiful|interesting|classic(?:al)?|old|fun|cool|good|simple|tricky|challenging)\s+(?:one|`,
  String.raw`problem|question|inequality|exercise)s?|your\s+(?:solutions?|opinions?|replies|time))\b`
)
const firstPerson = /^(?:well|ok(?:ay)?|so|and|but|also|btw|actually|yes|please|anyway|,|\s)*(?:i\b|we\b|my\b)/i
/** What people speak of when they speak of a problem instead of stating it. */
const aboutProblem = pattern(
  "i",
  String.raw`\b(?:problems?|questions?|exercises?|puzzles?|solv\w+|solutions?|prov\w+|proofs?|answers?|hints?|`,
  String.raw`ideas?|stuck|tr(?:y|ied)|it|this|that|contest|competition|olympiad|test|teacher|class|homework|`,
  String.raw`english|hope|hear|heard|missed|curious|hard|easy|difficult|thread|topic|forum|posts?|posted)\b`
)
/** "From our last test:" */
const leadIn = pattern(
  "i",
  String.raw`^[^.?]{0,100}\b(?:problem|question|exercise|puzzle|test|exam|contest|olympiad|competition|homework|`,
  String.raw`book)s?\b[^.?:]{0,60}:$`
)
const someone = pattern(
  "i",
  String.raw`^(?:someone|somebody|he|she|they|(?:my|our|a|his|her)\s+(?:teacher|professor|friend|brother|sister|`,
  String.raw`classmate|tutor|student))\b.*\b(?:problem|question|exercise|puzzle)\b`
)
const credit = /^[([]?(?:(?:proposed|posted|submitted|created|composed|shared)\s+by\b|(?:source|author|origin)\s*:)/i
const editNote = /^\(?(?:edit(?:ed)?|update[sd]?|ps|p\.\s?s\.?)\b\s*(?:[:.,-]|$)/i
const meeting = pattern(
  "i",
  String.raw`\b(?:recommend|books?|textbooks?|websites?|links?|forums?|results?|prepar\w+|olympiads?|contests?|`,
  String.raw`competitions?|scores?|marks|syllabus|camp|train(?:ing)?)\b`
)
const label = pattern(
  "i",
  String.raw`^(?:the\s+|my\s+|original\s+)?(?:problem|question|exercise|statement|q)s?\s*#?\d{0,3}(?:\s+(?:is|`,
  String.raw`are|was|says|states|goes|reads|statement))*(?:\s+(?:like\s+)?(?:this|as\s+follows|`,
  String.raw`the\s+following))?\s*[:.-]*$`
)
/** "First round 2003, problem 2: Let ..." and "Here is a nice problem: Find ...". */
const leadingLabel = new RegExp(
  "^(?:[^.:\\n\u00a4=?]{0,80}?\\b(?:problem|question|exercise|prob|ex|q)\\.?\\s*(?:#|" +
    "no\\.?)?\\s*\\d{1,3}[a-z]?\\s*[.:)-]+\\s+|" +
    "(?!(?:in|for|throughout)\\b)[^.:\\n\u00a4=?\\d]{0,100}?\\b(?:problem|question|exercise|" +
    "puzzle)s?\\b[^.:\\n\u00a4=?\\d]{0,30}:\\s+|" +
    "(?:note|corrected|statement|claim|q)\\s*:\\s+)",
  "i"
)
const attemptHeading = pattern(
  "i",
  String.raw`^[[(*\s]*(?:here(?:'s|\s+is)\s+)?(?:(?:my|our|a|the|full|first|second|official|possible|short|`,
  String.raw`another)\s+){0,2}(?:solution|proof|answer|attempt|approach|sol|soln|working|`,
  String.raw`work)s?(?:\s+(?:[ivx]{1,4}|\d{1,2}|so\s+far|by\s+.{1,30}))?\s*(?:[:.\])-]|$|(?:is|was|goes)\b)`
)
const attemptOpening = pattern(
  "i",
  String.raw`^(?:but|so|well|and|ok|also|now|,|\s)*(?:(?:i|we)(?:'ve|\s+have)?\s+(?:already\s+|only\s+|just\s+|`,
  String.raw`also\s+)?(?:got|get|tried|try|obtained|solved|managed|started|proved|proceeded|noticed|used|`,
  String.raw`(?:think|believe|guess|suppose)\s+(?:that|the|it|this|so|we|i|you|there))|what\s+i\s+(?:did|have|`,
  String.raw`tried|got)|my\s+(?:idea|thoughts?|guess))\b`
)

/** How long the label is that the sentence begins with; 0 if none, or if nothing follows it. */
const leadOf = (masked: string): number => {
  const length = leadingLabel.exec(masked)?.[0].length ?? 0
  return length < masked.length ? length : 0
}

/**
 * True for talk that no statement needs. A sentence with a formula is not talk, whatever else it says, except for
 * thanks and labels.
 */
const isTalk = (masked: string): boolean => {
  const words = masked.replace(/^[([\s*_\u00a1\u00bf-]+/, "").replace(greeting, "")
  const rest = words.slice(leadOf(words))
  if (rest.replace(/[\s.!,;:)\]-]+/g, "") === "") return true
  if (label.test(rest)) return true
  if (hasFormula(rest)) return false
  if (thanks.test(rest) || credit.test(rest)) return true
  const asked = tasksOfSentence(rest)
  const aboutMathematics = mathematicalWords(rest) >= 2 || /\d/.test(rest)
  const orders =
    /\b(?:prove|show|find|compute|determine|calculate|evaluate|solve)\b(?!\s+(?:it|this|these|that|them|the\s+(?:following\s+)?)?\s*(?:problem|question|exercise|one|$|[.?!,:]))/i
      .test(rest)
  if (editNote.test(rest) && !hasTask(asked)) return true
  if (introduction.test(rest) && !/\bsuch\s+that\b/i.test(rest) && !orders) return true
  // "Please help me to prove this inequality:" leads in the formula that follows.
  if (
    orders && (aboutMathematics || rest.endsWith(":") || /\bthat\b/i.test(rest)) &&
    !/\b(?:anyone|anybody|ne1)\s+(?:here\s+)?know/i.test(rest)
  ) return false
  if (/\bhow\s+(?:many|much)\b(?!\s+of\s+you)/i.test(rest)) return false
  if (leadIn.test(rest) && !hasTask(asked) && mathematicalWords(rest) < 2) return true
  if (request.test(rest) || remark.test(rest) || (someone.test(rest) && !aboutMathematics)) return true
  if (meeting.test(rest) && /\b(?:you|your|i|my|me|anyone|we|our)\b/i.test(rest) && !/\d/.test(rest)) return true
  return firstPerson.test(rest) && aboutProblem.test(rest) && !aboutMathematics && !hasTask(asked)
}

const countsThings = (masked: string): boolean =>
  /\bhow\s+(?:many|much)\b/i.test(masked) && !/\b(?:you|your|u|guys)\b/i.test(masked)

/**
 * True where a reader could start to work: a task that is not talk, or an assertion, with something mathematical in
 * it.
 */
export const isProblem = (text: string, sentences: ReadonlyArray<Sentence>): boolean => {
  const serious = sentences.filter(({ masked }) => !isTalk(masked))
  const signs = serious.some(({ masked }) => hasFormula(masked) || /\d/.test(masked) || countsThings(masked))
  const words = serious.reduce((sum, { masked }) => sum + mathematicalWords(masked), 0)
  return hasTask(tasksOf(serious)) || hasOptions(text) ? signs || words >= 1 : asserts(serious) && (signs || words >= 2)
}

const attemptStarts = (sentences: ReadonlyArray<Sentence>, text: string): number => {
  let asked = false
  for (const [index, sentence] of sentences.entries()) {
    const startsLine = sentence.start === 0 ||
      /\n\s*$/.test(text.slice(Math.max(0, sentence.start - 8), sentence.start))
    if (asked && ((startsLine && attemptHeading.test(sentence.masked)) || attemptOpening.test(sentence.masked))) {
      return index
    }
    asked ||= !isTalk(sentence.masked) && (hasTask(tasksOfSentence(sentence.masked)) || asserts([sentence]))
  }
  return sentences.length
}

/** The statement in `text`, which must be free of markup. Linear time. */
export const statementOf = (text: string): Statement => {
  const all = sentencesOf(text)
  const end = attemptStarts(all, text)
  const attempt = end < all.length ? text.slice(all[end]?.start) : ""
  let first = 0
  let last = end - 1
  while (first <= last && isTalk(all[first]?.masked ?? "")) first++
  while (last >= first && isTalk(all[last]?.masked ?? "")) last--
  const head = all[first]
  const tail = all[last]
  if (head === undefined || tail === undefined || last < first) return { text: "", sentences: [], attempt }
  const greeted = greeting.exec(head.masked)?.[0].length ?? 0
  const lead = greeted + leadOf(head.masked.slice(greeted))
  const closing = farewell.exec(tail.masked)
  const cut = closing === null || closing.index === 0 || (head === tail && closing.index <= lead)
    ? 0
    : tail.masked.length - closing.index
  const raw = text.slice(head.start + lead, tail.end - cut)
  const statement = cut > 0 && !/[.?!:$\]]$/.test(raw) ? `${raw}.` : raw
  return { text: statement, sentences: sentencesOf(statement), attempt }
}
