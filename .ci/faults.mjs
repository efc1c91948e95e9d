// Writes docs/faults.md: every fault the sources can raise, its exit code, its sentence and its hint. With --check nothing is written, and a
// page that is not up to date is an error.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const page = join(root, "docs", "faults.md");
const unknown = "…";

function functionAround(node) {
  return ts.findAncestor(node.parent, ts.isFunctionLike);
}

function nameOfFunction(node) {
  if (node && ts.isConstructorDeclaration(node)) return node.parent.name?.getText();
  const name = node?.name ?? (node && ts.isVariableDeclaration(node.parent) ? node.parent.name : undefined);
  return name?.getText();
}

function walk(node, visit) {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

/** All calls in the file of the function with this name. */
function callsOf(name, file) {
  const calls = [];
  walk(file, (node) => {
    const isCall = ts.isCallExpression(node) || ts.isNewExpression(node);
    if (isCall && node.expression.getText() === name) calls.push(node);
  });
  return calls;
}

/** The constant of this name that is nearest above the node. */
function constantOf(name, node) {
  for (let scope = node.parent; scope; scope = scope.parent) {
    let found;
    ts.forEachChild(scope, (child) => {
      if (!ts.isVariableStatement(child)) return;
      for (const { name: own, initializer } of child.declarationList.declarations)
        if (own.getText() === name && initializer) found = initializer;
    });
    if (found) return found;
  }
  return undefined;
}

/** The texts an expression may have, with … for what only a run knows; `bound` are arguments by the name of their parameter. */
function textsOf(node, bound = {}) {
  if (node === undefined) return [];
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isParenthesizedExpression(node)) return textsOf(node.expression, bound);
  if (ts.isConditionalExpression(node)) return [node.whenTrue, node.whenFalse].flatMap((one) => textsOf(one, bound));
  if (ts.isTemplateExpression(node)) {
    let texts = [node.head.text];
    for (const { expression, literal } of node.templateSpans) {
      const inner = textsOf(expression, bound);
      texts = texts.flatMap((text) => inner.map((one) => text + one + literal.text));
    }
    return texts;
  }
  if (ts.isIdentifier(node)) {
    if (bound[node.text]) return textsOf(bound[node.text]);
    const constant = constantOf(node.text, node);
    if (
      constant &&
      (ts.isStringLiteralLike(constant) || ts.isTemplateExpression(constant) || ts.isConditionalExpression(constant))
    )
      return textsOf(constant, bound);
  }
  if (ts.isCallExpression(node)) {
    const result = resultOf(node);
    if (result) return textsOf(result.text, result.bound);
  }
  return [unknown];
}

/** The template a function of the same file returns, and what its parameters are bound to. */
function resultOf(call) {
  let result;
  ts.forEachChild(call.getSourceFile(), (node) => {
    if (!ts.isFunctionDeclaration(node) || node.name?.text !== call.expression.getText()) return;
    const last = node.body?.statements.at(-1);
    if (!last || !ts.isReturnStatement(last) || !last.expression || !ts.isTemplateExpression(last.expression)) return;
    const bound = node.parameters.map((one, at) => [one.name.getText(), call.arguments[at]]);
    result = { text: last.expression, bound: Object.fromEntries(bound.filter(([, argument]) => argument)) };
  });
  return result;
}

/** The values of a key of an object literal, also where it stands in `...(test && { key })`; undefined without the key. */
function valueAt(node, key) {
  let found;
  if (node)
    walk(node, (child) => {
      if (ts.isPropertyAssignment(child) && child.name.getText() === key) found ??= child.initializer;
      if (ts.isShorthandPropertyAssignment(child) && child.name.getText() === key) found ??= child.name;
    });
  return found;
}

function exitOf(node) {
  if (node === undefined) return undefined;
  if (ts.isStringLiteralLike(node)) return node.text;
  const parameter = functionAround(node)?.parameters.find((one) => one.name.getText() === node.getText());
  return parameter?.initializer && ts.isStringLiteralLike(parameter.initializer)
    ? parameter.initializer.text
    : undefined;
}

/** A fault for each way to come to it: once for each call of the function it is made in, when that tells more. */
function waysTo(node, [code, message, detail], file) {
  const around = functionAround(node);
  const own = around?.parameters.map((one) => one.name.getText()) ?? [];
  const depends = own.some((name) => [code, message].some((part) => new RegExp(`\\b${name}\\b`).test(part.getText())));
  const isLocal =
    around &&
    (ts.isConstructorDeclaration(around) ||
      !around.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword));
  const calls = depends && isLocal && nameOfFunction(around) ? callsOf(nameOfFunction(around), file) : [];
  const bindings = calls.map(({ arguments: given }) =>
    Object.fromEntries(own.flatMap((name, at) => (given[at] ? [[name, given[at]]] : []))),
  );
  return (bindings.length > 0 ? bindings : [{}]).flatMap((bound) =>
    textsOf(code, bound).map((text) => ({
      code: text,
      exit: exitOf(valueAt(detail, "exit")),
      messages: textsOf(message, bound),
      hints: textsOf(valueAt(detail, "hint"), bound),
    })),
  );
}

function faultsIn(path) {
  const file = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true);
  const faults = [];
  walk(file, (node) => {
    const isFault = ts.isNewExpression(node) && node.expression.getText() === "Fault";
    const type = ts.isCallExpression(node) && ts.findAncestor(node, ts.isClassDeclaration);
    const isSuper =
      type && node.expression.kind === ts.SyntaxKind.SuperKeyword && /extends Fault\b/.test(type.getText());
    if (isFault || isSuper) faults.push(...waysTo(node, node.arguments, file));
    // What may stand against a rebase is collected first, and then said in one fault.
    if (ts.isCallExpression(node) && node.expression.getText() === "refusal" && path.endsWith("cnb/refusal.ts")) {
      const [code, found, hint] = node.arguments;
      const messages = textsOf(found).map((text) => `Cannot rebase …: ${text}`);
      const hints = hint ? textsOf(hint) : textsOf(constantOf("forceHint", node));
      faults.push({ code: code.text, exit: "rebase", messages, hints });
    }
  });
  return faults;
}

const compressions = (code) =>
  code.startsWith(`${unknown}.`) ? ["gzip", "zstd"].map((kind) => code.replace(unknown, kind)) : [code];

const faults = new Map();
for (const name of readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" }).sort()) {
  if (!name.endsWith(".ts")) continue;
  for (const { code, exit, messages, hints } of faultsIn(join(root, "src", name))) {
    for (const own of compressions(code).filter((text) => text !== unknown)) {
      const known = faults.get(own) ?? { exits: new Set(), messages: new Set(), hints: new Set() };
      known.exits.add(exit);
      for (const text of messages) known.messages.add(text);
      for (const text of hints) if (text !== unknown) known.hints.add(text);
      faults.set(own, known);
    }
  }
}

const source = readFileSync(join(root, "src", "std", "fault.ts"), "utf8");
const exitCodes = new Map([...source.matchAll(/^ {2}(\w+): (\d+),$/gm)].map(([, name, code]) => [name, code]));
const launcherCodes = new Map(
  [...readFileSync(join(root, "launcher", "src", "failure.h"), "utf8").matchAll(/CODE_(\w+) = (\d+)/g)].map(
    ([, name, code]) => [code, name],
  ),
);

const meanings = {
  general: "anything else",
  usage: "what was asked for makes no sense",
  platformApi: "a Platform API that is not followed (the launcher)",
  buildpackApi: "a Buildpack API that is not implemented",
  detectNone: "no group of buildpacks passed",
  detectError: "no group passed, and a buildpack failed with an error",
  detect: "detection could not be done",
  analyze: "the run image or the previous image could not be looked at",
  restore: "what an earlier build left could not be given back",
  buildpackFailed: "a buildpack's `bin/build` failed",
  build: "what a buildpack left cannot be used",
  export: "the image or the cache could not be made",
  rebase: "the image was not rebased",
  launch: "the process could not be started (the launcher)",
  generateFailed: "an extension's `bin/generate` failed",
  generate: "what an extension left cannot be used",
  extend: "an extension's Dockerfiles could not be applied",
  interrupted: "interrupted",
};
const launcherMeanings = {
  METADATA: "`metadata.toml` is missing or is none",
  PLATFORM_API: "`CNB_PLATFORM_API` is missing or not followed",
  BUILDPACK_API: "a buildpack's API is not implemented",
  LAUNCH: "everything else before the process starts; afterwards the code is the process's own",
};

const cell = (texts) =>
  [...texts]
    .map((text) => text.replaceAll("|", "\\|").replaceAll("\n", " ").replaceAll("<", "&lt;"))
    .sort()
    .join("<br>");
const table = (head, lines) =>
  [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
const exitsOf = (exits) =>
  [...exits]
    .map((exit) => (exit === undefined || exit === "general" ? "1 or the phase's" : `${exitCodes.get(exit)}`))
    .sort()
    .join(", ");

const text = `# Faults

Whatever cannot go on ends with a fault: a code that stays the same between versions, one sentence, mostly a hint, and an exit code. The library
throws it (\`Fault\`), the command prints it; with \`--json\` it is a line of its own. … stands for what only a run knows. This page is made from
the sources by \`node .ci/faults.mjs\`.

## Exit codes

They are the Platform specification's. A fault without one of its own ends with the code of the phase it surfaced in, or 1 outside of phases.

${table(
  ["code", "name", "when"],
  [...exitCodes].map(([name, code]) => [code, name, meanings[name] ?? unknown]),
)}

The launcher, inside an image, ends with

${table(
  ["code", "when"],
  [...launcherCodes].map(([code, name]) => [code, launcherMeanings[name] ?? unknown]),
)}

## Codes

${table(
  ["fault", "exit", "says", "hint"],
  [...faults]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { exits, messages, hints }]) => [`\`${code}\``, exitsOf(exits), cell(messages), cell(hints)]),
)}
`;

if (!process.argv.includes("--check")) writeFileSync(page, text);
else if (readFileSync(page, "utf8") !== text) {
  console.error("docs/faults.md is not what the sources say: node .ci/faults.mjs writes it");
  process.exitCode = 1;
}
