// Numbers in text as Redis reads and prints them

export { formatDouble, formatHumanDouble } from "../protocol/doubles.ts";
export { parseDouble } from "../protocol/numbers.ts";
export { addLongDouble, isLongDouble } from "./long-double.ts";
