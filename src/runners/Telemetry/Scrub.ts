// Takes secrets out of text before it leaves the process in a log line or a trace: those that are known, and whatever looks like one. Works on
// plain text and on JSON text, and leaves JSON whole.
export type Scrub = (text: string) => string

const hidden = "<redacted>"

/** Passwords in addresses, authorization headers, tokens of polya and of providers, secrets in query strings, and values of telling names. */
const looks: ReadonlyArray<readonly [RegExp, string]> = [
  // Begins at the colon: a look for the scheme first would take the square of the length of a long word.
  [/(?<=[a-z0-9+.-])(:\/\/[^\s"'\\/?#:@]*):[^\s"'\\/?#]*@/gi, `$1:${hidden}@`],
  [/\b(bearer|basic)(\s+|%20)[\w.~+/=-]{6,}/gi, `$1$2${hidden}`],
  [/\bpolya_([A-Za-z0-9-]+)_[\w-]{16,}/g, `polya_$1_${hidden}`],
  [/\b(?:sk|hf|ghp|xox[abp])[-_][\w-]{16,}/g, hidden],
  [/([?&](?:access_token|token|password|secret|api_?key)=)[^\s"'\\&#]+/gi, `$1${hidden}`],
  [
    /("(?:[\w.-]*[._-])?(?:password|passwd|secret|token|authorization|cookie|api[._-]?key)")(\s*:\s*)"(?:[^"\\]|\\.)*"/gi,
    `$1$2"${hidden}"`
  ]
]

/** Shorter values are words, not secrets: taking them out would take everything out. */
const shortest = 6

/** `secrets`: values that must not appear, in whatever form they may be written. */
export const scrubber = (secrets: Iterable<string>): Scrub => {
  const known = new Set<string>()
  for (const secret of secrets) {
    if (secret.length < shortest) continue
    for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) known.add(form)
  }
  // The longest first: a secret may be a part of another.
  const literals = [...known].sort((a, b) => b.length - a.length)
  return (text) => {
    let clean = text
    for (const literal of literals) if (clean.includes(literal)) clean = clean.replaceAll(literal, hidden)
    for (const [look, instead] of looks) clean = clean.replace(look, instead)
    return clean
  }
}

/** The secrets in an address: its password, as written and as meant. */
export const secretsOfUrl = (url: string): ReadonlyArray<string> => {
  const password = URL.parse(url)?.password ?? ""
  try {
    return [password, decodeURIComponent(password)]
  } catch {
    return [password]
  }
}
