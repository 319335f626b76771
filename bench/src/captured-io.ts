import type { BenchIo } from "./run-bench.ts";

/** Output that is kept instead of shown, for tests. */
export class CapturedIo implements BenchIo {
  out = "";
  err = "";

  readonly writeOut = (text: string): void => {
    this.out += text;
  };

  readonly writeErr = (text: string): void => {
    this.err += text;
  };
}
