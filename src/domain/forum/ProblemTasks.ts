// What a text asks for: to find something, to decide something, or to prove something. The one place that knows the
// verbs, used for
// the kind of a problem and for telling a problem from talk about it. English only; texts in other languages have no
// tasks here.
import { pattern } from "./Pattern.ts"
import type { Sentence } from "./Sentences.ts"

export interface Tasks {
  readonly find: boolean
  readonly decide: boolean
  readonly prove: boolean
}

const findVerbs =
  "find|finds|compute|determine|calculate|evaluate|solve|simplify|factor|factori[sz]e|expand|express|write|" +
  "give|state|list|name|enumerate|" +
  "estimate|convert|rationali[sz]e|approximate|reduce|round|graph|sketch|draw|construct|count|" +
  "characteri[sz]e|classify|describe|identify|" +
  "maximi[sz]e|minimi[sz]e|integrate|differentiate|work out|add|subtract|multiply|divide|order|arrange|" +
  "complete|fill in|choose|select|pick|obtain|derive|rewrite|place|put|enter|match"
/** A verb commands where a clause begins, not after "can" or "to" inside of what is to be proved. */
const find = new RegExp(
  `(?:^|[,;:.?!)\\]\u00a4\\u2013\\u2014-]\\s*|\\b(?:and|then|please|pls|plz|also|or|hence|thus|therefore|` +
    `now|must|should|us|me|u|i|you|` +
    `i to|me to|is to|we to|task to|asked to|want to|wants to|wanted to|trying to|need to|have to|` +
    `how to)\\s+)(?:(?:completely|fully|first|now|briefly|` +
    `explicitly)\\s+)?(?:${findVerbs})\\b(?!\\s+(?:whether|if|out (?:whether|if))\\b)`,
  "i"
)
const wh = pattern(
  "i",
  String.raw`(?:^|[,;:.?!(\u00a4]\s*|\b(?:and|then|but|so|for|in|of|at|by|from|with|to|into|on|is|exactly|`,
  String.raw`ask)\s+)(?:what(?:'?s)?|how\s+(?:many|much|long|far|fast|old|often|tall|high|wide|deep|big|large|`,
  String.raw`small|heavy|late|soon|likely|few|close)|find out)\b|\bhow\s+(?:(?:many|much|long|far|old|fast|`,
  String.raw`tall)\b|\w+\s+(?:is|are|was|were|will|does|did)\b)(?=.*\?)|\bwhat(?:'?s|\s+(?:is|are|was|were|will|`,
  String.raw`would))\b(?=.*\?)|,\s*which\s+\w+\s+(?:is|are|has)\b(?=.*\?)|(?:^|[;:.?!(]\s*|\b(?:and|then|but|so|`,
  String.raw`for|in|of|at|by|from|with|to|on)\s+)(?:which|who|whose|where|when)\b(?=.*\?)`
)
/** A question that somebody closed with a full stop. */
const askedPlainly = pattern(
  "i",
  String.raw`^(?:(?:then|now|so|and)\s+)?(?:(?:for|in|at|of|by|from|to|with|on)\s+)?(?:what|how|which)\b|`,
  String.raw`[,;:\u00a4]\s*(?:then\s+)?(?:(?:in|at|for|by)\s+)?(?:what\s+(?:is|are|was|were|will|time)|`,
  String.raw`how\s+(?:many|much|long|far|old))\b|\bhow\s+(?:many|much)\b|\bwondering\s+(?:what|how)\b`
)
const blank = /_{3,}|\\underline|\\_{2,}|\(\s{2,}\)|\bis\s+equal\s+to\s*[.:]?$|\bequals\s*[.:]?$/i
const decide = pattern(
  "i",
  String.raw`\b(?:prove|proove|show)\s+or\s+(?:disprove|find a counter)|\bdisprove\b|\btrue\s+or\s+false\b|`,
  String.raw`\byes\s+or\s+no\b|\b(?:determine|decide|check|find out|establish|investigate|tell|say)\s+(?:whether|`,
  String.raw`if)\b`
)
const auxiliary = pattern(
  "i",
  String.raw`(?:^|[,;:.!)]\s*|\b(?:then|and|but|so|now)\s+)(?:is|are|was|were|does|do|did|can|could|will|would|`,
  String.raw`must|has|have|may|might)\s+(?!you\b|u\b|anyone|anybody|any\s?body|someone|somebody|some one|ne1|i\b|`,
  String.raw`we know|there any (?:way|trick|nice|other|better|book|site|web|easy|short|idea)|this (?:right|`,
  String.raw`correct|true)\s*\?|it (?:ok|okay|right)\b|my )[^?]*\?`
)
const prove = pattern(
  "i",
  String.raw`\b(?:prove|proove|disprove|demonstrate|proving)\b|\bproof\s+(?:that|of|for)\b|\bshow\s*(?:that|:|`,
  String.raw`how|\u00a4|there\b|the\s+(?:following|inequality|identity|statement|relation)|`,
  String.raw`(?:\S+\s+){1,3}that\b)|\b(?:verify|establish|justify|deduce|conclude|check)\s+(?:that|`,
  String.raw`the (?:identity|inequality|following))`
)

export const noTasks: Tasks = { find: false, decide: false, prove: false }

/** "Determine whether it is a circle, a line, or empty": more than two answers. */
const manyWays = /\b(?:whether|if)\b[^.?]*,[^.?]*,\s*or\b/i

/** The tasks of one sentence (masked). */
export const tasksOfSentence = (masked: string): Tasks => {
  const isQuestion = masked.includes("?")
  const proves = prove.test(masked)
  const decides = decide.test(masked) || (isQuestion && auxiliary.test(masked))
  const asks = isQuestion
    ? wh.test(masked) || blank.test(masked)
    : !proves && (askedPlainly.test(masked) || blank.test(masked))
  const isOneOfMany = decides && manyWays.test(masked)
  return { find: asks || isOneOfMany || find.test(masked), decide: decides && !isOneOfMany, prove: proves }
}

export const tasksOf = (sentences: ReadonlyArray<Sentence>): Tasks => {
  let { find, decide, prove } = noTasks
  for (const { masked } of sentences) {
    const tasks = tasksOfSentence(masked)
    find ||= tasks.find
    decide ||= tasks.decide
    prove ||= tasks.prove
  }
  return { find, decide, prove }
}

export const hasTask = (tasks: Tasks): boolean => tasks.find || tasks.decide || tasks.prove
