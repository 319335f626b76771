import { runFilterProcess } from "../run-filter-process.ts";
import { createScriptedDetector, type ScriptedBanner } from "./scripted-detector.ts";

// A filter process whose detector sees what the first argument says, in JSON.

const banners = JSON.parse(process.argv[2] ?? "[]") as ScriptedBanner[];

await runFilterProcess((_, { startsCovered }) => createScriptedDetector(banners, { startsCovered, coverUs: 500_000 }));
