// A question about two values as a call in the words of the verdict program (verdicts.py). Text is made of trees, by a closed list of names
// and of numbers: what a model wrote never becomes part of it. What has no faithful counterpart there gives no question.
import type { Node } from "./Node.ts"
import { partsOf, someNode } from "./Node.ts"
import { integerLetters, variablesOf } from "./Scalar.ts"
import { greek } from "./Words.ts"

/** Deeper or longer ones are not asked; a Python parser allows twice the depth. */
const maxDepth = 60
const maxCharacters = 4_000
const maxVariables = 6

/** There is no such question. Thrown only in here. */
class NoCounterpart extends Error {}
const refuse = (): never => {
  throw new NoCounterpart()
}

/** Functions of one value by their names in the program. */
const functionsOfOne: ReadonlyMap<string, string> = new Map([
  ...["sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh", "coth", "sech", "csch"].map((name) =>
    [name, name] as const
  ),
  ...["arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh", "ln"].map((name) => [name, name] as const),
  ["abs", "Abs"],
  ["floor", "round_down"],
  ["ceil", "round_up"],
  ["sgn", "signum"],
  ["Re", "re"],
  ["Im", "im"],
  ["factorial", "factorial_of"],
  ["doublefactorial", "double_factorial_of"],
  // Without a base it is taken for the natural one, as all verdicts take it where they must.
  ["log", "ln"]
])
const functionsOfTwo: ReadonlyMap<string, string> = new Map([
  ["sqrt", "root"],
  ["log", "log_to"],
  ["mod", "remainder"],
  ["binom", "choose"]
])
const functionsOfMany: ReadonlyMap<string, string> = new Map([["max", "largest"], ["min", "smallest"]])
const constants: ReadonlyMap<string, string> = new Map([["pi", "pi"], ["e", "E"], ["i", "I"]])

/** A single letter, perhaps with an index; words such as DNE are no variables. */
const isVariable = (name: string): boolean => {
  const [letter = "", ...index] = name.split("_")
  return (/^[A-Za-z]$/.test(letter) || greek.has(letter)) && index.length <= 1
}

type Names = ReadonlyMap<string, string>

const call = (name: string, ...args: ReadonlyArray<string>): string => `${name}(${args.join(", ")})`
const integer = (value: bigint | number): string => call("integer", String(value))
const negative = (text: string): string => call("mul", integer(-1), text)

const written = (node: Node, names: Names, depth: number): string => {
  if (depth > maxDepth) return refuse()
  const inner = (part: Node): string => written(part, names, depth + 1)
  switch (node.k) {
    case "num":
      if (node.decimal) return refuse()
      return node.q.d === 1n ? integer(node.q.n) : call("rational", String(node.q.n), String(node.q.d))
    case "based":
      return integer(node.value)
    case "sym":
      return names.get(node.name) ?? constants.get(node.name) ?? refuse()
    case "add":
    case "mul":
      return call(node.k, ...node.args.map(inner))
    case "div":
      return call("div", inner(node.a), inner(node.b))
    case "pow":
      return call("power", inner(node.base), inner(node.exp))
    case "degree":
      return call("div", call("mul", inner(node.x), "pi"), integer(180))
    case "fn":
      return writtenFunction(node.name, node.args.map(inner))
    case "big":
      return writtenBig(node, names, depth)
    default:
      return refuse()
  }
}

const writtenFunction = (name: string, args: ReadonlyArray<string>): string => {
  const [first = refuse(), second] = args
  const many = functionsOfMany.get(name)
  if (many !== undefined) return call(many, ...args)
  if (second !== undefined) {
    return args.length === 2
      ? call(functionsOfTwo.get(name) ?? refuse(), first, second)
      : refuse()
  }
  switch (name) {
    case "sqrt":
      return call("root", first, integer(2))
    case "arccot":
      return call("add", call("div", "pi", integer(2)), negative(call("arctan", first)))
    case "arcsec":
      return call("arccos", call("div", integer(1), first))
    case "arccsc":
      return call("arcsin", call("div", integer(1), first))
    default:
      return call(functionsOfOne.get(name) ?? refuse(), first)
  }
}

const isInfinity = (node: Node): boolean => node.k === "sym" && node.name === "infinity"
const isMinusInfinity = (node: Node): boolean => {
  const [sign, of] = node.k === "mul" && node.args.length === 2 ? node.args : []
  return sign?.k === "num" && sign.q.n === -1n && sign.q.d === 1n && of !== undefined && isInfinity(of)
}

/** A sum, product, integral or limit; one inside of another is not asked about. */
const writtenBig = (node: Extract<Node, { k: "big" }>, names: Names, depth: number): string => {
  const { body, from, op, to, variable } = node
  if (!isVariable(variable) || partsOf(node).some((part) => someNode(part, ({ k }) => k === "big"))) return refuse()
  const own = `k${depth}`
  const inside = `lambda ${own}: ${written(body, new Map([...names, [variable, own]]), depth + 2)}`
  const bound = (end: Node): string =>
    isInfinity(end) ? "oo" : isMinusInfinity(end) ? "-oo" : written(end, names, depth + 1)
  switch (op) {
    case "sum":
      return isInfinity(to)
        ? call("infinite_sum", inside, written(from, names, depth + 1))
        : call("finite_sum", inside, written(from, names, depth + 1), written(to, names, depth + 1))
    case "prod":
      return call("finite_product", inside, written(from, names, depth + 1), written(to, names, depth + 1))
    case "int":
      return call("integral", inside, bound(from), bound(to))
    case "lim":
      return call("limit_at", inside, bound(from))
  }
}

const python = (truth: boolean): string => truth ? "True" : "False"

/** The call that asks whether two values are the same; null: it cannot be asked faithfully. Equal questions have equal texts. */
export const sympyQuestion = (gold: Node, answer: Node): string | null => {
  const either = (test: (node: Node) => boolean): boolean => someNode(gold, test) || someNode(answer, test)
  const variables = variablesOf(gold, answer)
  if (variables.length > maxVariables || !variables.every(isVariable)) return null
  // With parameters, a sum or an integral has a value for some of them only.
  if (variables.length > 0 && either(({ k }) => k === "big")) return null
  const names = new Map(variables.map((name, at) => [name, `s${at}`]))
  const wholes = variables.map((name) => `${python(integerLetters.test(name))},`).join(" ")
  // Two readings of a logarithm without a base: a difference in one of them shows nothing.
  const mayDiffer = !either((node) => node.k === "fn" && node.name === "log" && node.args.length === 1)
  const isComplex = either((node) => node.k === "sym" && node.name === "i")
  try {
    const values = `lambda${variables.length === 0 ? "" : ` ${[...names.values()].join(", ")}`}: (${
      written(gold, names, 0)
    }, ${written(answer, names, 0)})`
    const text = call("decide", values, `(${wholes})`, python(mayDiffer), python(isComplex))
    return text.length > maxCharacters ? null : text
  } catch (error) {
    if (error instanceof NoCounterpart) return null
    throw error
  }
}
