import * as RunIndexMemory from "../../src/actors/RunIndexMemory.ts"
import { runIndexContract } from "./RunIndexContract.ts"

runIndexContract("memory", () => RunIndexMemory.layer)
