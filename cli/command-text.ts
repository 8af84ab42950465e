/** Commands as they are printed to be pasted: words of a shell, and flags as a user would write them. */

/** Default of `--out`. */
export const DEFAULT_OUT = 'out';
/** Default of `--shrink-time`, and of `--time` of `shrink`, in milliseconds. */
export const DEFAULT_SHRINK_TIME = 10_000;
/** Default of `--kernel-timeout`, in milliseconds. */
export const DEFAULT_KERNEL_TIMEOUT = 5000;

/** Longest loading of a kernel that a default `--kernel-timeout` allows: most of it is the compiler's, not the kernel's. */
const DEFAULT_LOADING_TIME = 30_000;

/** How long a kernel may take, in milliseconds; `isLoading`: to be imported. */
export const patience = (timeout: number, isLoading: boolean): number =>
  isLoading && timeout === DEFAULT_KERNEL_TIMEOUT ? DEFAULT_LOADING_TIME : timeout;

/** An argument as a shell takes it back. */
export const shellWord = (text: string): string =>
  /^[A-Za-z0-9_./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** A time in milliseconds as the flags take it, in the largest unit of which it is a whole number: `90s`, `2m`. */
export function durationText(milliseconds: number): string {
  const units = [
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ] as const;
  const [unit, size] = units.find(([, length]) => milliseconds % length === 0) ?? ['ms', 1];
  return `${milliseconds / size}${unit}`;
}

/** `--kernel`, and `--kernel-timeout` unless it is the default; nothing for the optimized kernel. */
export function kernelFlags(kernel: string | null, timeout = DEFAULT_KERNEL_TIMEOUT): string[] {
  if (kernel === null) return [];
  const flag = timeout === DEFAULT_KERNEL_TIMEOUT ? [] : [`--kernel-timeout ${durationText(timeout)}`];
  return [`--kernel ${shellWord(kernel)}`, ...flag];
}

/** `--out`, unless it is the default. */
export const outFlags = (out: string): string[] => (out === DEFAULT_OUT ? [] : [`--out ${shellWord(out)}`]);
