import { TestClock } from "effect/testing"
import * as ProcessesMemory from "../../src/actors/ProcessesMemory.ts"
import { processesContract } from "./ProcessesContract.ts"

processesContract("memory", () => ProcessesMemory.layer, TestClock.adjust)
