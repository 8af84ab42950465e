/** Aligned columns of plain text. */

/** One column: its heading, and the side its cells lean to. */
export interface Column {
  readonly heading: string;
  readonly align?: 'left' | 'right';
}

/** Code points, which is what a terminal column holds for everything these reports print. */
const width = (text: string): number => [...text].length;

const pad = (text: string, to: number, align: 'left' | 'right'): string => {
  const space = ' '.repeat(Math.max(0, to - width(text)));
  return align === 'right' ? space + text : text + space;
};

/**
 * Rows under headings, each column as wide as its widest cell, two spaces apart; no trailing spaces.
 * A column without any heading text in the whole table prints no heading line.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  indent = '',
): string[] {
  const widths = columns.map(({ heading }, i) =>
    rows.reduce((widest, row) => Math.max(widest, width(row[i] ?? '')), width(heading)),
  );
  const line = (cells: readonly string[]): string =>
    indent +
    columns
      .map(({ align }, i) => pad(cells[i] ?? '', widths[i] ?? 0, align ?? 'left'))
      .join('  ')
      .trimEnd();
  const body = rows.map(line);
  return columns.some(({ heading }) => heading !== '')
    ? [line(columns.map(({ heading }) => heading)), ...body]
    : body;
}

/** Words broken over lines of at most `most` characters, each behind `indent`. */
export function wrapped(text: string, most: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && width(line) + 1 + width(word) > most) {
      lines.push(indent + line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, indent + line];
}

/** The text itself, or its start and an ellipsis where it is longer than `most`. */
export const clipped = (text: string, most: number): string =>
  width(text) <= most ? text : `${[...text].slice(0, most - 1).join('')}…`;

/** `1 page`, `2 pages`. */
export const counted = (count: number, noun: string): string =>
  `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
