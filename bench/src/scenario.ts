/** One number of a result. */
export interface Figure {
  /** What was measured, in kebab-case, such as `cpu-per-mb`. */
  readonly figure: string;
  readonly value: number;
  /** Such as `ms/MB`, `ms`, `MB` or `1` for a plain number. */
  readonly unit: string;
  /** Whose figure it is, such as `kagami-ws` or `nginx-rtmp`. */
  readonly peer: string;
  /** Against the reference of the scenario, `null` if there is none to compare with. */
  readonly ratio: number | null;
  /** What has to hold, such as `ratio <= 0.75`; `null` for figures that are only reported. */
  readonly bar: string | null;
  /** Whether it holds. */
  readonly pass: boolean | null;
}

/** What the command line asks of a scenario; each scenario has its own defaults. */
export interface ScenarioSettings {
  readonly rounds?: number;
  /** Length of one measurement. */
  readonly seconds?: number;
  readonly viewers?: number;
  /** Only the peers whose name contains one of these. */
  readonly only?: readonly string[];
  /** What was given of the part's own flags, by name without `--`. */
  readonly flags?: Readonly<Record<string, string>>;
}

/** A flag that one part understands beside the common ones. */
export interface PartFlag {
  /** Without `--`. No two parts give the same name another meaning. */
  readonly name: string;
  /** How its value is shown in the help, such as `URL`. */
  readonly value: string;
  readonly about: string;
}

export interface ScenarioContext {
  /** The short form: few viewers, one round; checks that the scenario works, not how fast anything is. */
  readonly isSmoke: boolean;
  readonly settings: ScenarioSettings;
  /** Tells a person what is going on. */
  readonly progress: (text: string) => void;
}

/** A picture that goes beside the results. */
export interface ChartFile {
  /** Without folder, such as `live-growth-viewers.svg`. */
  readonly fileName: string;
  readonly title: string;
  readonly svg: string;
}

export interface ScenarioOutcome {
  readonly figures: readonly Figure[];
  readonly charts?: readonly ChartFile[];
  /** Sentences that a reader of the figures needs. */
  readonly notes?: readonly string[];
  /** A Markdown table with what matters of the figures side by side, where there are many. */
  readonly overview?: string;
}

/** A comparison that can be run on its own. */
export interface Scenario {
  readonly name: string;
  /** One line for `--help`. */
  readonly summary: string;
  run(context: ScenarioContext): Promise<ScenarioOutcome>;
}

/** The scenarios of one part of the platform. */
export interface Part {
  readonly name: string;
  readonly summary: string;
  readonly scenarios: readonly Scenario[];
  readonly flags?: readonly PartFlag[];
}

/** A figure that is only reported. */
export function plainFigure(peer: string, figure: string, value: number, unit: string): Figure {
  return { figure, value, unit, peer, ratio: null, bar: null, pass: null };
}

/** A figure that must not be over a limit. */
export function limitedFigure(peer: string, figure: string, value: number, unit: string, limit: number): Figure {
  return { ...plainFigure(peer, figure, value, unit), bar: `<= ${limit} ${unit}`, pass: value <= limit };
}

/** A figure beside that of the reference, which it must not be over `limit` times, if a limit is given. */
export function comparedFigure(
  peer: string,
  figure: string,
  value: number,
  unit: string,
  ratio: number | null,
  limit?: number,
): Figure {
  const plain = { ...plainFigure(peer, figure, value, unit), ratio };
  if (limit === undefined || ratio === null) return plain;
  return { ...plain, bar: `ratio <= ${limit}`, pass: ratio <= limit };
}
