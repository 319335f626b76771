// House rules that no other tool knows. Each rule is one function from the repository to problems, a sentence each.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { manualPages } from "./manual.ts";
import { root } from "./steps.ts";

interface Package {
  readonly folder: string;
  readonly name: string;
  readonly exports?: Record<string, string>;
  readonly dependencies: Record<string, string>;
}

interface Repository {
  /** Every tracked or addable file, relative to the root, with forward slashes. */
  readonly files: readonly string[];
  readonly packages: readonly Package[];
  read(path: string): string;
}

type Rule = (repository: Repository) => string[];

function loadRepository(): Repository {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 << 20,
  });
  const files = [...new Set(listed.split("\n"))].filter((path) => path !== "" && existsSync(join(root, path)));
  const read = (path: string) => readFileSync(join(root, path), "utf8");
  const packages = files
    .filter((path) => path.endsWith("package.json") && path !== "package.json" && !path.includes("testdata"))
    .map((path): Package => {
      const manifest = JSON.parse(read(path));
      const dependencies = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
      return { folder: dirname(path), name: manifest.name, exports: manifest.exports, dependencies };
    });
  return { files, packages, read };
}

/** Rooms where every package has the same shape; the others are collections of programs. */
const SHAPED = /^(libs|servers|tools|web)\//;

const packageShape: Rule = ({ files, packages }) =>
  packages.flatMap(({ folder, name, exports }) => {
    const problems: string[] = [];
    const has = (file: string) => files.includes(`${folder}/${file}`);
    const leaf = folder.split("/").at(-1);
    if (name !== `@kagami/${leaf}`) problems.push(`${folder}/package.json: name it "@kagami/${leaf}", not "${name}"`);
    if (!has("README.md")) problems.push(`${folder}: write a README.md (what it is for, quick start, limits)`);
    if (SHAPED.test(folder) && !has("ARCHITECTURE.md")) problems.push(`${folder}: write the one-page ARCHITECTURE.md`);
    if (!has("tsconfig.json")) problems.push(`${folder}: add a tsconfig.json, and name it in the root's references`);
    for (const target of Object.values(exports ?? {})) {
      // What a build makes is in no checkout.
      if (!target.startsWith("./dist/") && !has(target.replace(/^\.\//, "")))
        problems.push(`${folder}/package.json: exports "${target}", which is absent`);
    }
    return problems;
  });

const onePageArchitecture: Rule = ({ files, read }) =>
  files
    .filter((path) => SHAPED.test(path) && path.endsWith("/ARCHITECTURE.md"))
    .filter((path) => read(path).split("\n").length > 90)
    .map((path) => `${path}: over a page (90 lines); move detail to the code or the README`);

const tsconfigReferences: Rule = ({ packages, read }) => {
  const referenced = new Set<string>(
    JSON.parse(read("tsconfig.json")).references.map((entry: { path: string }) => normalize(entry.path)),
  );
  return packages
    .filter(({ folder }) => !referenced.has(folder))
    .map(({ folder }) => `tsconfig.json: references lacks "./${folder}", so its types are never checked`);
};

const documentLinks: Rule = ({ files, read }) =>
  files
    .filter((path) => path.endsWith(".md"))
    .flatMap((path) => {
      const text = read(path).replace(/```[\s\S]*?```/g, "");
      const links = [...text.matchAll(/\]\((?!https?:|mailto:|#)([^)\s]+?)(#[^)]*)?\)/g)].map(
        (match) => match[1] ?? "",
      );
      return links
        .filter((link) => !existsSync(join(root, dirname(path), decodeURI(link))))
        .map((link) => `${path}: links to "${link}", which does not exist`);
    });

const dependencyReasons: Rule = ({ packages, read, files }) => {
  const reasons = files.includes("DEPENDENCIES.md") ? read("DEPENDENCIES.md") : "";
  const rootManifest = JSON.parse(read("package.json"));
  const used = new Set([
    ...Object.keys(rootManifest.devDependencies ?? {}),
    ...Object.keys(rootManifest.optionalDependencies ?? {}),
    ...packages.flatMap((entry) => Object.keys(entry.dependencies)),
  ]);
  return [...used]
    .filter((name) => !name.startsWith("@kagami/") && !reasons.includes(`\`${name}\``))
    .map((name) => `DEPENDENCIES.md: say in a line why \`${name}\` is used and what we would write instead`);
};

const exactVersions: Rule = ({ packages, read }) => {
  const rootManifest = JSON.parse(read("package.json"));
  const all = [
    { folder: ".", dependencies: { ...rootManifest.devDependencies, ...rootManifest.optionalDependencies } },
    ...packages,
  ];
  return all.flatMap(({ folder, dependencies }) =>
    Object.entries(dependencies)
      .filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(String(version)))
      .map(([name, version]) => `${folder}/package.json: pin ${name} exactly, not "${version}"`),
  );
};

const PURE = /^(libs\/(bytes|clock|media|wire|hashing|kernels)\/src|servers\/[^/]+\/src\/(protocol|engine))\//;

const pureRandomness: Rule = ({ files, read }) =>
  files
    .filter((path) => PURE.test(path) && path.endsWith(".ts") && !path.endsWith(".test.ts"))
    .filter((path) => /\bMath\.random\b/.test(read(path)))
    .map((path) => `${path}: pure code takes its randomness from the caller, not from Math.random`);

const todoHasIssue: Rule = ({ files, read }) =>
  files
    .filter((path) => /\.(ts|tsx|mjs|css)$/.test(path) && path !== "scripts/tidy.ts")
    .flatMap((path) =>
      read(path)
        .split("\n")
        .flatMap((line, index) =>
          /\b(TODO|FIXME|XXX)\b(?!\(#\d+\))/.test(line) ? [`${path}:${index + 1}: name the issue: TODO(#12)`] : [],
        ),
    );

const testsDoNotSleep: Rule = ({ files, read }) =>
  files
    .filter((path) => /\.test\.tsx?$/.test(path))
    .filter((path) => /from "node:timers\/promises"|setTimeout\(\s*(resolve|r|done)\b/.test(read(path)))
    .map((path) => `${path}: sleeps; wait for the condition with eventually() of @kagami/testkit, or use a fake clock`);

/** The parts that `kagami` runs stand in one table in the CLI; the README's table of parts must name each of them. */
const partsInReadme: Rule = ({ files, read }) => {
  const table = "tools/cli/src/commands.ts";
  if (!files.includes(table) || !files.includes("README.md")) return [];
  const names = [...read(table).matchAll(/^\s+name: "([a-z-]+)"/gm)].map((match) => match[1] ?? "");
  const readme = read("README.md");
  return names
    .filter((name) => !readme.includes(`\`kagami ${name}`))
    .map((name) => `README.md: the command \`kagami ${name}\` is in ${table} but not in the README`);
};

const manualIsCurrent: Rule = ({ files, read }) =>
  [...manualPages()]
    .filter(([path, text]) => !files.includes(path) || read(path) !== text)
    .map(([path]) => `${path}: not as the settings say; run node_modules/.bin/node scripts/manual.ts`);

const RULES: readonly Rule[] = [
  packageShape,
  onePageArchitecture,
  tsconfigReferences,
  documentLinks,
  dependencyReasons,
  exactVersions,
  pureRandomness,
  todoHasIssue,
  testsDoNotSleep,
  partsInReadme,
  manualIsCurrent,
];

/** Every breach of the house rules in the work tree. */
export async function findTidyProblems(): Promise<string[]> {
  const repository = loadRepository();
  return RULES.flatMap((rule) => rule(repository));
}
