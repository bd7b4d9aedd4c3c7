// Unpacks xz, which Node does not: by the program `xz`, else by Python's lzma, else by the Python in Pyodide, which is always there.
// The result is bounded, and so is the time.
import { spawn } from "node:child_process"

const unpackMillis = 60_000

/** Reads `mostBytes` at most and one more, so that what is too large is known to be. */
const lzmaUnpack = `import lzma
def unpack(packed, most):
    unpacker = lzma.LZMADecompressor()
    unpacked = unpacker.decompress(packed, most + 1)
    if len(unpacked) <= most and not unpacker.eof:
        raise lzma.LZMAError("the archive is cut off")
    return unpacked
`
const lzmaProgram = `${lzmaUnpack}
import sys
sys.stdout.buffer.write(unpack(sys.stdin.buffer.read(), int(sys.argv[1])))`

class NoProgram extends Error {}

/** What a program makes of its input. */
const through = (program: string, args: ReadonlyArray<string>, input: Buffer, mostBytes: number): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "ignore"] })
    const pieces: Array<Buffer> = []
    let bytes = 0
    const giveUp = (why: string) => {
      clearTimeout(deadline)
      child.kill("SIGKILL")
      reject(new Error(why))
    }
    const deadline = setTimeout(() => giveUp(`${program} took longer than ${unpackMillis / 1_000} s`), unpackMillis)
    child.stdout.on("data", (piece: Buffer) => {
      bytes += piece.length
      if (bytes > mostBytes) giveUp(`it has more than ${mostBytes} bytes in it`)
      else pieces.push(piece)
    })
    // A program that ends early says so by its exit code.
    child.stdin.on("error", () => {})
    child.on("error", (cause) => {
      clearTimeout(deadline)
      reject("code" in cause && cause.code === "ENOENT" ? new NoProgram(program) : cause)
    })
    child.on("close", (code) => {
      clearTimeout(deadline)
      if (code === 0) resolve(Buffer.concat(pieces))
      else reject(new Error(`${program} ended with ${code ?? "a signal"}`))
    })
    child.stdin.end(input)
  })

const throughPyodide = async (input: Buffer, mostBytes: number): Promise<Buffer> => {
  const { loadPyodide } = await import("pyodide")
  const pyodide = await loadPyodide()
  pyodide.FS.writeFile("/packed", input)
  pyodide.runPython(`${lzmaUnpack}
with open("/packed", "rb") as packed, open("/unpacked", "wb") as unpacked:
    unpacked.write(unpack(packed.read(), ${Math.trunc(mostBytes)}))`)
  return Buffer.from(pyodide.FS.readFile("/unpacked"))
}

export type XzWay = "program" | "python" | "pyodide"

/** `ways`: which may be taken, all unless told. */
export const xzDecompress = async (
  input: Buffer,
  options: { readonly python: string | null; readonly mostBytes: number; readonly ways?: ReadonlyArray<XzWay> }
): Promise<Buffer> => {
  const { mostBytes, python, ways = ["program", "python", "pyodide"] } = options
  const makers = {
    program: () => through("xz", ["--decompress", "--stdout"], input, mostBytes),
    python: () =>
      python === null
        ? Promise.reject(new NoProgram("python3"))
        : through(python, ["-I", "-c", lzmaProgram, String(mostBytes)], input, mostBytes),
    pyodide: () => throughPyodide(input, mostBytes)
  }
  for (const way of ways) {
    try {
      const output = await makers[way]()
      if (output.length > mostBytes) throw new Error(`it has more than ${mostBytes} bytes in it`)
      return output
    } catch (cause) {
      // A Python may have been built without lzma; what is damaged is damaged for the last way too.
      if (way === ways.at(-1) || !(cause instanceof NoProgram || way === "python")) throw cause
    }
  }
  throw new Error("nothing on this machine unpacks xz")
}
