// The unprotected embedded level of the attack suite: Pyodide as its documentation loads it, in a child process with everything inherited.
// Nothing shuts the code in, on purpose. Requests and replies: one line of JSON each on standard input and output.
import { writeSync } from "node:fs"
import { createInterface } from "node:readline"
import { loadPyodide } from "pyodide"

const python = await loadPyodide()
let stdout = ""
let stderr = ""
python.setStdout({ batched: (line) => stdout = `${stdout}${line}\n`.slice(0, 60_000) })
python.setStderr({ batched: (line) => stderr = `${stderr}${line}\n`.slice(0, 60_000) })

createInterface(process.stdin).on("line", (line) => {
  const { code, id } = JSON.parse(line)
  stdout = ""
  stderr = ""
  let status = "ok"
  try {
    python.runPython(code, { globals: python.runPython("dict(__name__ = '__main__')") })
  } catch (error) {
    status = "error"
    stderr += String(error).slice(-2_000)
  }
  // The code may have taken apart JSON or process.stdout.
  const reply = JSON.stringify({ id, status, stdout, stderr, value: null, truncated: false })
  writeSync(1, `${reply}\n`)
})
