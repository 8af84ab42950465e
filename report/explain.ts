/** An explanation as text. */
import { RULES, type RuleId } from '../contract/rules.ts';
import type { Explanation } from '../properties/explain.ts';
import type { ArgumentFreedom, ArgumentValue } from '../properties/explain-arguments.ts';
import type { Need } from '../properties/explain-needs.ts';
import type { Failure } from '../properties/verdict.ts';
import type { StateView } from '../properties/view.ts';
import { machineLine, program } from './program.ts';
import { DRAWN_PARTS, type DrawnPart, stateLines } from './state.ts';
import { clipped, counted, table, wrapped } from './tables.ts';
import { argument, step as stepText } from './values.ts';

/** What the command line knows. */
export interface ExplainContext {
  readonly file: string;
  readonly kernel: string;
}

const LINE = 104;
const VALUE = 44;
const ANSWER = 50;
const MOST_DIFFERENCES = 20;

const heading = (text: string): string[] => ['', text];

/** Everything that was found out, in the order in which one asks. */
export function explanationLines(explanation: Explanation, context: ExplainContext): string[] {
  const { report } = explanation;
  const { failure, scenario } = report;
  if (failure === null) return passingLines(explanation, context);
  const place = failure.number === 0 ? 'at boot' : `after operation ${failure.number}`;
  const whose = failure.side === 'reference' ? 'in the reference model ' : '';
  return [
    `FAILED ${failure.property} ${whose}${place}: kernel ${context.kernel}`,
    ...wrapped(failure.sentence, LINE, '  '),
    '',
    ...wrapped(machineLine(scenario.machine), LINE - 2, '  '),
    ...program(scenario, report.expected, { marked: failure.number, most: Number.POSITIVE_INFINITY }),
    ...(explanation.behind > 0
      ? [`    (${counted(explanation.behind, 'operation')} behind it left out)`]
      : []),
    ...differenceLines(failure),
    ...(explanation.needs.length > 0 ? needLines(explanation) : []),
    ...(explanation.freedoms.length > 0 ? freedomLines(explanation) : []),
    ...(explanation.leftOut === null ? [] : ['', `  ${explanation.leftOut}`]),
    ...heading(`rules that the reference applied in operation ${failure.number}`),
    ...ruleLines(explanation.rules[failure.number] ?? []),
    ...earlierRules(explanation),
    ...stateSections(explanation, context),
    '',
    `${counted(explanation.executions, 'scenario')} run to find out`,
  ];
}

/** A scenario that holds: what each operation does, and by which rules. */
function passingLines({ report, rules }: Explanation, { file, kernel }: ExplainContext): string[] {
  const { scenario, expected } = report;
  const lines = program(scenario, expected, { marked: 0, most: Number.POSITIVE_INFINITY });
  const told = new Set<RuleId>();
  return [
    `${file}: holds on kernel ${kernel}`,
    '',
    ...wrapped(machineLine(scenario.machine), LINE - 2, '  '),
    ...lines.flatMap((line, i) => [
      '',
      line,
      ...(rules[i + 1] ?? []).flatMap((rule) => {
        // A sentence is told once.
        if (told.has(rule)) return [`      ${rule}`];
        told.add(rule);
        return wrapped(`${rule}: ${RULES[rule].sentence}`, LINE - 6, '      ');
      }),
    ]),
  ];
}

function differenceLines({ differences, witnesses }: Failure): string[] {
  const rows = differences
    .slice(0, MOST_DIFFERENCES)
    .map(({ path, expected, actual }) => [path, clipped(expected, VALUE), clipped(actual, VALUE)]);
  const more = differences.length - rows.length;
  const telling =
    differences.length === 0 ? witnesses : witnesses.filter((text) => !/^\d+ differences?$/.test(text));
  return [
    ...heading('what differs there'),
    ...(rows.length === 0
      ? []
      : table([{ heading: '' }, { heading: 'expected' }, { heading: 'actual' }], rows, '  ')),
    ...(more > 0 ? [`  … and ${counted(more, 'more difference')}`] : []),
    ...telling.map((text) => `  ${clipped(text.split('\n')[0] ?? '', LINE - 2)}`),
  ];
}

function needLines({ needs }: Explanation): string[] {
  return [
    ...heading('which operations it takes'),
    ...needs.flatMap((need) => wrapped(`${need.number}  ${needText(need)}`, LINE - 2, '  ')),
  ];
}

function needText(need: Need): string {
  const { without, taken, other, changed } = need;
  const lost =
    taken.length === 0
      ? ''
      : ` (with it ${taken.join(', ')}, which ${taken.length === 1 ? 'names' : 'name'} what it makes)`;
  switch (without) {
    case 'same':
      return `not needed: fails as before without it${lost}`;
    case 'empty':
      return 'needed: nothing is left without it';
    case 'holds':
      return `needed: nothing fails without it${lost}${changeText(changed)}`;
    case 'other':
      return `needed: without it${lost} ${other?.property} fails after ${other?.number} instead${changeText(changed)}`;
  }
}

const changeText = (changed: Need['changed']): string =>
  changed === null
    ? ''
    : `; then ${changed.number} answers ${clipped(stepText(changed.now), ANSWER)} instead of ${clipped(stepText(changed.before), ANSWER)}`;

function freedomLines({ report, freedoms }: Explanation): string[] {
  const { operations } = report.scenario;
  const rows = freedoms.map((freedom) => {
    const kind = operations[freedom.number - 1]?.kind ?? '';
    return [
      `${freedom.number}`,
      kind,
      freedom.field,
      valueText(freedom, freedom.value),
      freedomText(freedom),
    ];
  });
  return [
    ...heading('which arguments may be others (each alone; what names the same allocation moves along)'),
    ...table(
      [
        { heading: '', align: 'right' },
        { heading: '' },
        { heading: 'argument' },
        { heading: 'is' },
        { heading: 'fails as before with' },
      ],
      rows,
      '  ',
    ),
  ];
}

const valueText = ({ field, meaning }: ArgumentFreedom, value: ArgumentValue): string =>
  argument(meaning, field, value);

const MOST_VALUES = 6;

/** What an argument may be, over what was tried. */
export function freedomText(freedom: ArgumentFreedom): string {
  const { kept, lost, value } = freedom;
  const text = (each: ArgumentValue): string => valueText(freedom, each);
  const list = (values: readonly ArgumentValue[]): string =>
    [...values.slice(0, MOST_VALUES).map(text), ...(values.length > MOST_VALUES ? ['…'] : [])].join(', ');
  const tried = `${counted(kept.length + lost.length - 1, 'other')} tried`;
  const others = kept.filter((each) => JSON.stringify(each) !== JSON.stringify(value));
  switch (freedom.freedom) {
    case 'fixed':
      return `this alone (${tried})`;
    case 'any':
      return typeof value === 'number' && kept.length > MOST_VALUES
        ? `any of ${text(kept[0] ?? 0)}..${text(kept.at(-1) ?? 0)} (${tried})`
        : `any: ${list(kept)}`;
    case 'range':
      return `any of ${text(kept[0] ?? 0)}..${text(kept.at(-1) ?? 0)} (${tried})`;
    case 'some':
      return `also ${list(others)}; not ${list(lost)}`;
  }
}

const ruleLines = (rules: readonly RuleId[]): string[] =>
  rules.length === 0
    ? ['  none: it was refused, or did nothing']
    : rules.flatMap((rule) => wrapped(`${rule}: ${RULES[rule].sentence}`, LINE - 2, '  '));

function earlierRules({ report, rules }: Explanation): string[] {
  const number = report.failure?.number ?? 0;
  const earlier = rules.slice(1, number).map((applied, i) => `  ${i + 1}  ${applied.join(', ')}`);
  return earlier.length === 0
    ? []
    : [
        ...heading('and in the operations before'),
        ...earlier.flatMap((line) => wrapped(line.trimStart(), LINE - 2, '  ')),
      ];
}

/** The parts of a state that the differences are in; maps and pages where they say nothing. */
function partsOf({ differences }: Failure): DrawnPart[] {
  const touched = (pattern: RegExp): boolean => differences.some(({ path }) => pattern.test(path));
  const parts: readonly (readonly [DrawnPart, RegExp])[] = [
    ['maps', /^maps/],
    ['objects', /^objects/],
    ['queues', /^(queues|counters|pools|sched|woken)/],
    ['pmap', /^(pmap|mappings|pv)/],
  ];
  const found = parts.flatMap(([part, pattern]) => (touched(pattern) ? [part] : []));
  return found.length > 0 ? found : DRAWN_PARTS.filter((part) => part === 'maps' || part === 'objects');
}

function stateSections({ report, states }: Explanation, { kernel }: ExplainContext): string[] {
  const { failure } = report;
  if (states === null || failure === null) return [];
  const parts = partsOf(failure);
  const lines = (state: StateView | null): string[] => (state === null ? [] : stateLines(state, parts));
  const alike = states.actual !== null && lines(states.actual).join() === lines(states.expected).join();
  const drawn = (title: string, state: StateView | null): string[] =>
    state === null ? [] : [...heading(title), ...lines(state).map((line) => `  ${line}`)];
  const after = failure.number === 0 ? 'the state at boot' : 'the state after it';
  const actual = alike
    ? heading(`${after} in kernel ${kernel}: the same in all that is drawn here`)
    : drawn(`${after} in kernel ${kernel}`, states.actual);
  return [
    ...drawn(`the state before operation ${failure.number}`, states.before),
    ...drawn(`${after} in the reference model`, states.expected),
    ...(actual.length > 0 ? actual : heading(`kernel ${kernel} shows no state after it: ${states.unseen}`)),
  ];
}
