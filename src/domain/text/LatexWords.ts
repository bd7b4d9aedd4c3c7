// What tokens make of LaTeX commands and of mathematical characters. Two ways to write one thing get one word; commands
// that only place or style get none. Names are lower case, as the tokeniser reads them.

/** Words of a table, as a set. */
const setOf = (words: string): ReadonlySet<string> => new Set(words.split(/\s+/).filter((word) => word !== ""))

/** Spacing, sizes and styles: they say nothing. */
export const silentCommands = setOf(`
  left right big bigl bigr bigm bigg biggl biggr biggm middle displaystyle textstyle scriptstyle limits nolimits
  scriptscriptstyle quad qquad thinspace medspace thickspace negthinspace enspace enskip space nonumber notag hfill
  hfil noindent indent par newline linebreak smallskip medskip bigskip centering rm bf it sf tt sc normalfont
  mathstrut strut allowbreak protect boldmath small footnotesize normalsize large huge hline item
`)

/** Commands of which only the argument counts. */
export const transparentCommands = setOf(`
  text textbf textit textrm textnormal texttt textsf textsc textup emph mbox hbox mathrm mathbf mathit mathsf mathtt
  mathnormal operatorname bold boldsymbol bm pmb ensuremath mathop mathrel mathbin mathord
`)

/** Commands that vanish with their argument. */
export const hiddenCommands = setOf("hspace vspace hskip vskip phantom hphantom vphantom label tag color textcolor")

/** Environments that only set mathematics off: delimiters, like `\[`. */
export const silentEnvironments = setOf(
  "equation align aligned alignat gather gathered displaymath math multline split eqnarray center flushleft flushright"
)

/** One word for commands that mean the same. */
export const aliases: ReadonlyMap<string, string> = new Map(Object.entries({
  dfrac: "frac",
  tfrac: "frac",
  cfrac: "frac",
  dbinom: "binom",
  tbinom: "binom",
  leq: "le",
  leqslant: "le",
  leqq: "le",
  geq: "ge",
  geqslant: "ge",
  geqq: "ge",
  neq: "ne",
  lt: "<",
  gt: ">",
  ldots: "dots",
  cdots: "dots",
  dotsc: "dots",
  dotsb: "dots",
  dotsm: "dots",
  rightarrow: "to",
  longrightarrow: "to",
  longmapsto: "mapsto",
  vert: "|",
  lvert: "|",
  rvert: "|",
  mid: "|",
  varphi: "phi",
  varepsilon: "epsilon",
  vartheta: "theta",
  varrho: "rho",
  varnothing: "emptyset",
  land: "wedge",
  lor: "vee",
  owns: "ni",
  ast: "*",
  colon: ":",
  lbrack: "[",
  rbrack: "]",
  overline: "bar",
  overrightarrow: "vec",
  widehat: "hat",
  widetilde: "tilde",
  setminus: "backslash",
  smallsetminus: "backslash",
  mathbbm: "mathbb",
  bbb: "mathbb",
  textdegree: "circ"
}))

/** Mathematical characters (lower case) and what they are read as; spaces keep the words apart. */
export const characters: ReadonlyMap<string, string> = new Map(Object.entries({
  α: " alpha ",
  β: " beta ",
  γ: " gamma ",
  δ: " delta ",
  ε: " epsilon ",
  ϵ: " epsilon ",
  ζ: " zeta ",
  η: " eta ",
  θ: " theta ",
  ϑ: " theta ",
  ι: " iota ",
  κ: " kappa ",
  λ: " lambda ",
  μ: " mu ",
  µ: " mu ",
  ν: " nu ",
  ξ: " xi ",
  π: " pi ",
  ρ: " rho ",
  σ: " sigma ",
  ς: " sigma ",
  τ: " tau ",
  υ: " upsilon ",
  φ: " phi ",
  ϕ: " phi ",
  χ: " chi ",
  ψ: " psi ",
  ω: " omega ",
  "×": " times ",
  "·": " cdot ",
  "⋅": " cdot ",
  "∙": " cdot ",
  "÷": " div ",
  "±": " pm ",
  "∓": " mp ",
  "−": "-",
  "–": "-",
  "‐": "-",
  "‑": "-",
  "—": " ",
  "―": " ",
  "⁄": "/",
  "∕": "/",
  "∗": "*",
  "≤": " le ",
  "≥": " ge ",
  "⩽": " le ",
  "⩾": " ge ",
  "≠": " ne ",
  "≈": " approx ",
  "≡": " equiv ",
  "≅": " cong ",
  "∼": " sim ",
  "∝": " propto ",
  "∞": " infty ",
  "√": " sqrt ",
  "∑": " sum ",
  "∏": " prod ",
  "∫": " int ",
  "∂": " partial ",
  "∇": " nabla ",
  "∈": " in ",
  "∉": " notin ",
  "∋": " ni ",
  "∪": " cup ",
  "∩": " cap ",
  "⊂": " subset ",
  "⊆": " subseteq ",
  "⊃": " supset ",
  "⊇": " supseteq ",
  "∅": " emptyset ",
  "∀": " forall ",
  "∃": " exists ",
  "∧": " wedge ",
  "∨": " vee ",
  "¬": " neg ",
  "∠": " angle ",
  "△": " triangle ",
  "∆": " delta ",
  "∥": " parallel ",
  "⊥": " perp ",
  "°": "^circ ",
  º: "^circ ",
  "∘": " circ ",
  "→": " to ",
  "⟶": " to ",
  "⇒": " to ",
  "↦": " mapsto ",
  "⇔": " leftrightarrow ",
  "↔": " leftrightarrow ",
  "⌊": " lfloor ",
  "⌋": " rfloor ",
  "⌈": " lceil ",
  "⌉": " rceil ",
  "∣": "|",
  "…": " dots ",
  "⋯": " dots ",
  "′": "^prime ",
  "’": "'",
  "‘": "'",
  "“": " ",
  "”": " ",
  "„": " ",
  "«": " ",
  "»": " ",
  ℝ: " mathbb r ",
  ℤ: " mathbb z ",
  ℕ: " mathbb n ",
  ℚ: " mathbb q ",
  ℂ: " mathbb c ",
  ℓ: " ell ",
  ı: "i",
  ß: "ss",
  æ: "ae",
  œ: "oe",
  ø: "o",
  ł: "l",
  đ: "d"
}))

/** Superscripts and subscripts as plain characters. */
export const raised: ReadonlyMap<string, string> = new Map(
  [..."⁰0¹1²2³3⁴4⁵5⁶6⁷7⁸8⁹9⁺+⁻-⁼=⁽(⁾)ⁿnⁱi".matchAll(/(.)(.)/gu)].map(
    ([, sign, plain]) => [sign as string, plain as string] as const
  )
)
export const lowered: ReadonlyMap<string, string> = new Map(
  [..."₀0₁1₂2₃3₄4₅5₆6₇7₈8₉9₊+₋-₌=₍(₎)ₙnᵢi".matchAll(/(.)(.)/gu)].map(
    ([, sign, plain]) => [sign as string, plain as string] as const
  )
)

/** Numbers as words, "one" left out: it is more often a pronoun. */
export const numberWords: ReadonlyMap<string, string> = new Map(Object.entries({
  zero: "0",
  two: "2",
  three: "3",
  four: "4",
  five: "5",
  six: "6",
  seven: "7",
  eight: "8",
  nine: "9",
  ten: "10",
  eleven: "11",
  twelve: "12",
  thirteen: "13",
  fourteen: "14",
  fifteen: "15",
  sixteen: "16",
  seventeen: "17",
  eighteen: "18",
  nineteen: "19",
  twenty: "20",
  thirty: "30",
  forty: "40",
  fifty: "50",
  sixty: "60",
  seventy: "70",
  eighty: "80",
  ninety: "90",
  hundred: "100",
  thousand: "1000",
  million: "1000000",
  half: "1/2",
  twice: "2",
  double: "2",
  thrice: "3",
  triple: "3",
  third: "1/3",
  thirds: "1/3",
  quarter: "1/4",
  quarters: "1/4",
  dozen: "12"
}))
