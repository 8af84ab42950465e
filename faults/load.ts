/**
 * Loads a kernel from its TypeScript sources with a fault put in while loading.
 *
 * Modules are transpiled and evaluated in memory, a fresh instance for each fault, so that nothing is written to
 * disk and the unpatched kernel of the same process stays untouched. Needs the sources and the compiler, which a
 * clone has and an installed package has not.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileFunction } from 'node:vm';
import type { KernelMemory, KernelModule, ReferenceKernel } from '../contract/kernel-memory.ts';
import { applyPatch, editsOf, type FaultPatch } from './patch.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const nodeRequire = createRequire(import.meta.url);

type Exports = Record<string, unknown>;
type Compiler = typeof import('typescript');

const transpiled = new Map<string, string>();

function transpile(file: string, text: string): string {
  const typescript = nodeRequire('typescript') as Compiler;
  const { outputText } = typescript.transpileModule(text, {
    fileName: file,
    compilerOptions: {
      module: typescript.ModuleKind.CommonJS,
      target: typescript.ScriptTarget.ES2023,
      verbatimModuleSyntax: false,
    },
  });
  return outputText;
}

function codeOf(file: string, edits: readonly FaultPatch[]): string {
  const name = relative(root, file);
  const here = edits.filter((edit) => edit.file === name);
  if (here.length > 0)
    return transpile(
      file,
      here.reduce((text, edit) => applyPatch(edit, text), readFileSync(file, 'utf8')),
    );
  let code = transpiled.get(file);
  if (code === undefined) {
    code = transpile(file, readFileSync(file, 'utf8'));
    transpiled.set(file, code);
  }
  return code;
}

/** Evaluates `entry` (relative to the package) and all it imports, with the fault put in. */
function evaluate(entry: string, fault: FaultPatch | null): Exports {
  const instances = new Map<string, Exports>();
  const edits = fault === null ? [] : editsOf(fault);
  const unmet = new Set(edits.map(({ file }) => file));
  const load = (file: string): Exports => {
    const known = instances.get(file);
    if (known !== undefined) return known;
    unmet.delete(relative(root, file));
    const exports: Exports = {};
    instances.set(file, exports);
    const require = (specifier: string): unknown =>
      specifier.startsWith('.') ? load(resolve(dirname(file), specifier)) : nodeRequire(specifier);
    // Not the file's own path: a coverage report must not take the copy for the source.
    const filename = `fault:${fault?.name ?? 'none'}/${relative(root, file)}`;
    const run = compileFunction(codeOf(file, edits), ['exports', 'require'], { filename });
    run(exports, require);
    return exports;
  };
  const exports = load(join(root, entry));
  if (unmet.size > 0)
    throw new Error(`fault ${fault?.name}: ${[...unmet].join(', ')} is not part of ${entry}`);
  return exports;
}

/** True where faults can be loaded: the TypeScript sources and the compiler are there. */
export function canLoadFaults(): boolean {
  if (!existsSync(join(root, 'impl', 'optimized-kernel.ts'))) return false;
  try {
    nodeRequire.resolve('typescript');
    return true;
  } catch {
    return false;
  }
}

/** The optimized kernel with the fault put in, and called by it; null for a faithful copy. */
export function loadFaultyKernel(fault: FaultPatch | null): KernelModule<KernelMemory> {
  const exports = evaluate('impl/optimized-kernel.ts', fault) as {
    optimizedKernel: KernelModule<KernelMemory>;
  };
  const { optimizedKernel } = exports;
  if (fault === null) return optimizedKernel;
  return { ...optimizedKernel, declares: { ...optimizedKernel.declares, name: `fault:${fault.name}` } };
}

/** The reference model with the fault put in; null for a faithful copy. */
export function loadFaultyReference(fault: FaultPatch | null): KernelModule<ReferenceKernel> {
  const exports = evaluate('model/reference-kernel.ts', fault) as {
    referenceKernel: KernelModule<ReferenceKernel>;
  };
  return exports.referenceKernel;
}
