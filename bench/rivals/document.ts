/** The measurement as a page of documentation. */
import { SEEDS_ASIDE, SEEDS_SHRUNK, SHRINK_LIMIT } from '../rivals.ts';
import { RIVALS } from './arms.ts';
import { HARD, type RivalsSummary } from './summary.ts';
import { claims, faultGrid, findingGrid, type Grid, shrinkingGrid, verdict } from './table.ts';

/** First line of the page: only a page with this line is written over. */
export const DOCUMENT_MARK = '<!-- Written by `vmlockstep bench rivals`; do not edit. -->';

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

const lines = ({ headings, rows }: Grid): string[] => [
  row(headings.map(({ heading }) => heading)),
  row(headings.map(({ align }) => (align === 'right' ? '--:' : ':--'))),
  ...rows.map(row),
];

/** The page. */
export function documentOf(summary: RivalsSummary, seeds: number): string {
  const { budget, losses, faults } = summary;
  const text = [
    DOCUMENT_MARK,
    '# Rivals',
    '',
    'How soon deliberately faulty kernels are found, and how short the failures become, by `fc.commands` of fast-check and by',
    'ours. All arms run on the same faulty kernels with the same oracle (the comparison and all invariants), the same seeds',
    'and the same distribution of machines, interleaved; what counts is operations run on the faulty kernel.',
    '',
    ...lines({
      headings: [
        { heading: 'arm', align: 'left' },
        { heading: 'what it is', align: 'left' },
      ],
      rows: claims(summary),
    }),
    '',
    `The expert was written and frozen before anything was measured against it. A trial is one fault with one of ${seeds} seeds`,
    `and ends at the first failure or after ${budget.toLocaleString('en-US')} operations; \`naive\` and what is ours with something left out take the first`,
    `${SEEDS_ASIDE} seeds. All arms keep the obligations of callers, without which no verdict means anything. Intervals are 95 %, from a`,
    'bootstrap over faults and seeds; a trial that found nothing counts with its budget, which favours whoever finds less.',
    '',
    '## Verdict',
    '',
    ...verdict(summary).map((sentence) => `* ${sentence}`),
    '',
    `Hard faults are chosen by what one side measured, which by itself makes that side look worse on them: so the faults that take`,
    `ours more than ${HARD.toLocaleString('en-US')} operations stand beside those of the expert.`,
    '',
    '## Finding',
    '',
    'Operations to the first failure: median, and geometric mean of the ratio to ours on the same faults and seeds.',
    '',
    ...lines(findingGrid(summary)),
    '',
    '## Shrinking',
    '',
    `Failures of the first ${SEEDS_SHRUNK} seeds, each shrunk by the arm's own shrinker within ${SHRINK_LIMIT.toLocaleString('en-US')} runs. Ours goes on after it has a small scenario`,
    'and searches for shorter ones; what it takes more of, runs and seconds, it takes for that. `over shortest`: length over the',
    'shortest that any arm came to. `differing`: 0 % where all seeds of a fault lead to the same machine and operations, 100 % where',
    'all differ; `in kinds`: by the kinds of the operations alone. What is ours with something left out shrinks as ours does.',
    '',
    ...lines(shrinkingGrid(summary)),
    '',
    '## Losses',
    '',
    losses.length === 0
      ? `On no fault ${RIVALS.ours} needs more operations than the expert.`
      : 'Faults where ours needs more operations than the expert, the worst first; medians.',
    '',
    ...(losses.length === 0 ? [] : lines(faultGrid(summary, losses))),
    '',
    '## All faults',
    '',
    ...lines(faultGrid(summary, faults)),
    '',
  ];
  return text.join('\n');
}
