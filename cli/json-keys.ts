/** What JSON.parse does not tell: names that an object has twice, nesting, and the line of a syntax error. */

/** Strings and structure with their places; everything between them is of no interest. By hand: a string may have megabytes. */
function* tokensOf(text: string): Generator<{ readonly token: string; readonly index: number }> {
  for (let index = 0; index < text.length; index++) {
    const first = text.charAt(index);
    if (first === '"') {
      let end = index + 1;
      while (end < text.length && text.charAt(end) !== '"') end += text.charAt(end) === '\\' ? 2 : 1;
      yield { token: text.slice(index, end + 1), index };
      index = end;
    } else if ('[]{}:,'.includes(first)) yield { token: first, index };
  }
}

/** Deepest run of open brackets, up to `enough`: enough to refuse what is nested beyond all sense. */
export function bracketDepth(text: string, enough: number): number {
  let depth = 0;
  let deepest = 0;
  for (const { token } of tokensOf(text)) {
    if (token === '[' || token === '{') deepest = Math.max(deepest, ++depth);
    else if (token === ']' || token === '}') depth--;
    if (deepest > enough) break;
  }
  return deepest;
}

/** The first name that stands twice in one object, with its line; null where there is none. For valid JSON only. */
export function repeatedKey(text: string): { readonly key: string; readonly line: number } | null {
  /** The names of each open object; null for an array. */
  const open: (Set<string> | null)[] = [];
  let last = { token: '', index: 0 };
  for (const { token, index } of tokensOf(text)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push(null);
    else if (token === '}' || token === ']') open.pop();
    else if (token === ':') {
      const key = JSON.parse(last.token) as string;
      const names = open.at(-1);
      if (names?.has(key)) return { key, line: lineOf(text, last.index) };
      names?.add(key);
    }
    last = { token, index };
  }
  return null;
}

/** Line of a position in a text, from 1. */
const lineOf = (text: string, index: number): number => text.slice(0, index).split('\n').length;

/** Where JSON.parse stumbled and over what; its message names a position or quotes the place, or the text just ends. */
export function syntaxFault(text: string, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const position = /at position (\d+)/.exec(message)?.[1];
  if (position !== undefined)
    return `line ${lineOf(text, Number(position))}: ${message.split(/ in JSON| \(line/)[0] ?? message}`;
  if (/end of JSON/.test(message))
    return `line ${lineOf(text, text.trimEnd().length)}: the text ends too early`;
  // Without a position the message quotes what stands around the place, ten characters to each side.
  const [, token = '', cut, around = ''] =
    /^Unexpected token '(.+?)', (\.{3})?"(.*)"(?:\.{3})? is/su.exec(message) ?? [];
  const from = around === '' ? -1 : text.indexOf(around);
  const what = `unexpected ${JSON.stringify(token)}`;
  if (token === '') return (message.split(/[\n,]/)[0] ?? message).trim();
  return from < 0
    ? what
    : `line ${lineOf(text, from + (cut === undefined ? around.indexOf(token) : 10))}: ${what}`;
}
