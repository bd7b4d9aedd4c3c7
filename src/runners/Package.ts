// Where the package lies and which version it is, from sources as from dist.
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** Absolute path of a file that the package ships (recipes, demo data). */
export const packaged = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))

export const version: string = JSON.parse(readFileSync(packaged("package.json"), "utf8")).version
