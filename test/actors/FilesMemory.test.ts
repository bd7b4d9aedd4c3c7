import * as FilesMemory from "../../src/actors/FilesMemory.ts"
import { filesContract } from "./FilesContract.ts"

filesContract("memory", () => FilesMemory.layer)
