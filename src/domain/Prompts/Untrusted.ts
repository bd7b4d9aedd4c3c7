// Text of others on its way into a prompt: problems, candidates, outputs of programs. It keeps its meaning for a reader and loses the power to
// end the part of the prompt that it stands in.

/**
 * Marks by which chat templates tell turns, reasoning and tools apart. A tokenizer of a server may read them as such wherever they stand.
 * The words of `<|...|>` are short in all templates; mathematics like 0<|x+1|<2 is none of them.
 */
const mark =
  /<(\|[a-z][a-z0-9_]{0,30}\||｜[^｜<>\n]{1,40}｜|\/?(?:think|tool_call|tool_response|tool_output|code|s|bos|eos|start_of_turn|end_of_turn)|\/?(?:begin|end)_of_text)>|\[(\/?INST)\]/gi

/** The text with a space inside of each mark of a template, so that it is read as text. */
export const plainMarks = (text: string): string =>
  text.toWellFormed().replace(
    mark,
    (_, angled: string | undefined, square: string | undefined) =>
      angled === undefined ? `[ ${square} ]` : `< ${angled} >`
  )

/**
 * The text between tags that nothing in it can close: where it has the closing tag of `name` itself, the tags are numbered until it has not.
 */
export const enclosed = (name: string, text: string): string => {
  const plain = plainMarks(text)
  const inside = plain.toLowerCase()
  let tag = name
  for (let number = 2; inside.includes(`/${tag}`); number++) tag = `${name}-${number}`
  return `<${tag}>\n${plain}\n</${tag}>`
}

/** Not between the halves of one character. */
const splitsPair = (text: string, at: number): boolean => {
  const before = text.charCodeAt(at - 1)
  const after = text.charCodeAt(at)
  return before >= 0xd800 && before <= 0xdbff && after >= 0xdc00 && after <= 0xdfff
}

/**
 * At most `characters` of a text, the note not counted: a longer one loses its middle, and `note` says in its place how many characters
 * are missing. `head`: share of what is kept that comes from the beginning, 0..1.
 */
export const cutMiddle = (
  text: string,
  characters: number,
  note: (missing: number) => string,
  head = 0.5
): string => {
  if (text.length <= characters) return text
  let from = Math.floor(characters * head)
  let to = text.length - (characters - from)
  if (splitsPair(text, from)) from--
  if (splitsPair(text, to)) to++
  return `${text.slice(0, from)}${note(to - from)}${text.slice(to)}`
}
