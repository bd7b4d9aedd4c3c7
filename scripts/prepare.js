// Makes `npx polya` instant in a clone: links node_modules/.bin/polya to bin/polya.js, as npm does for an installed package.
// Runs after `npm install` and `npm ci` in the clone, on any Node from 20. Never fails an install, and does nothing where the
// package is itself a dependency, where there is no node_modules/.bin, or where something else already holds the name.
import { chmodSync, existsSync, lstatSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join, sep } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const binFolder = join(root, "node_modules", ".bin")
const program = join(root, "bin", "polya.js")
const link = join(binFolder, "polya")
const target = join("..", "..", "bin", "polya.js")

const isDependency = root.split(sep).includes("node_modules")

/** What stands at `path`, without following a link; undefined where nothing does. */
const entryAt = (path) => lstatSync(path, { throwIfNoEntry: false })

try {
  if (!isDependency && existsSync(binFolder) && existsSync(program)) {
    chmodSync(program, 0o755)
    if (process.platform === "win32") {
      if (!existsSync(`${link}.cmd`)) {
        writeFileSync(`${link}.cmd`, `@node "%~dp0\\${target.replaceAll("/", "\\")}" %*\r\n`)
      }
    } else if (entryAt(link) === undefined) {
      symlinkSync(target, link)
    } else if (!entryAt(link)?.isSymbolicLink() || readlinkSync(link) !== target) {
      console.warn(`prepare: left ${link} as it is; it is not a link to ${target}`)
    }
  }
} catch (error) {
  console.warn(`prepare: could not link ${link}, so use "node bin/polya.js" (${error.message})`)
}
