// The query parameters of requests as typed options. Parsing refuses what is not a number; checking refuses what does
// not go together, in the wording clients of the original know.
import { ApiError, badRequest, type FieldProblem, invalid } from '../../api/status.ts';

export interface RequestOptions {
  readonly dryRun: boolean;
  readonly fieldManager?: string;
  readonly fieldValidation: 'Strict' | 'Warn' | 'Ignore';
  readonly force?: boolean;
  readonly labelSelector: string;
  readonly fieldSelector: string;
  readonly limit: number;
  readonly continue: string;
  readonly resourceVersion: string;
  readonly resourceVersionMatch: string;
  readonly timeoutSeconds?: number;
  readonly allowWatchBookmarks: boolean;
  readonly sendInitialEvents?: boolean;
  /** What a DELETE says in its query; its body may say more. */
  readonly deletion: DeletionOptions;
  /** Everything that was in the query, for subresources with parameters of their own. */
  readonly query: URLSearchParams;
}

export interface DeletionOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: string;
  readonly orphanDependents?: boolean;
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
}

export const NO_OPTIONS: RequestOptions = {
  dryRun: false,
  fieldValidation: 'Strict',
  labelSelector: '',
  fieldSelector: '',
  limit: 0,
  continue: '',
  resourceVersion: '',
  resourceVersionMatch: '',
  allowWatchBookmarks: false,
  deletion: {},
  query: new URLSearchParams(),
};

type Write = 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';
const OPTIONS_KIND: Record<Write, string> = {
  create: 'CreateOptions',
  update: 'UpdateOptions',
  patch: 'PatchOptions',
  delete: 'DeleteOptions',
  deletecollection: 'DeleteOptions',
};
const isWrite = (verb: string): verb is Write => Object.hasOwn(OPTIONS_KIND, verb);

export function parseOptions(verb: string, query: URLSearchParams, contentType = ''): RequestOptions {
  const options: RequestOptions = {
    dryRun: query.has('dryRun') && query.get('dryRun') !== '',
    fieldManager: query.get('fieldManager') || undefined,
    fieldValidation: (query.get('fieldValidation') || 'Warn') as RequestOptions['fieldValidation'],
    force: optionalBoolean(query.get('force')),
    labelSelector: query.get('labelSelector') ?? '',
    fieldSelector: query.get('fieldSelector') ?? '',
    limit: integer(query.get('limit')) ?? 0,
    continue: query.get('continue') ?? '',
    resourceVersion: query.get('resourceVersion') ?? '',
    resourceVersionMatch: query.get('resourceVersionMatch') ?? '',
    timeoutSeconds: integer(query.get('timeoutSeconds')),
    allowWatchBookmarks: optionalBoolean(query.get('allowWatchBookmarks')) ?? false,
    sendInitialEvents: optionalBoolean(query.get('sendInitialEvents')),
    deletion: {
      gracePeriodSeconds: integer(query.get('gracePeriodSeconds')),
      propagationPolicy: query.get('propagationPolicy') || undefined,
      orphanDependents: optionalBoolean(query.get('orphanDependents')),
    },
    query,
  };
  const problems = isWrite(verb) ? writeProblems(verb, query, contentType) : listProblems(verb, options);
  if (problems.length > 0) {
    throw invalid({ group: 'meta.k8s.io', kind: isWrite(verb) ? OPTIONS_KIND[verb] : 'ListOptions' }, '', problems);
  }
  return options;
}

function integer(text: string | null): number | undefined {
  if (text === null || text === '') return undefined;
  if (!/^[+-]?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  return Number(text);
}

/** Anything but "false" and "0" counts, an empty value too. */
function optionalBoolean(text: string | null): boolean | undefined {
  return text === null ? undefined : text !== 'false' && text !== '0';
}

const MANAGER_MAX = 128;

function writeProblems(verb: Write, query: URLSearchParams, contentType: string): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const dryRun = query.getAll('dryRun').filter((value) => value !== '');
  if (dryRun.some((value) => value !== 'All')) {
    problems.push(unsupported('dryRun', dryRun, ['All']));
  }
  if (verb === 'delete' || verb === 'deletecollection') return problems;
  const isApply = contentType.startsWith('application/apply-patch');
  const manager = query.get('fieldManager') ?? '';
  if (verb === 'patch' && !isApply && query.has('force')) {
    problems.push({
      path: 'force',
      reason: 'FieldValueForbidden',
      message: 'Forbidden: may not be specified for non-apply patch',
    });
  }
  if (isApply && manager === '') {
    problems.push({
      path: 'fieldManager',
      reason: 'FieldValueRequired',
      message: 'Required value: is required for apply patch',
    });
  }
  if (Buffer.byteLength(manager) > MANAGER_MAX) {
    problems.push({
      path: 'fieldManager',
      reason: 'FieldValueTooLong',
      message: `Too long: may not be more than ${MANAGER_MAX} bytes`,
    });
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: printable is what is being asked for
  const odd = [...manager].findIndex((letter) => /[\u0000-\u001f\u007f-\u009f]/.test(letter));
  if (odd >= 0) {
    const message = `Invalid value: ${JSON.stringify(manager)}: should only contain printable characters`;
    problems.push({ path: 'fieldManager', reason: 'FieldValueInvalid', message });
  }
  const validation = query.get('fieldValidation') ?? '';
  if (!['', 'Ignore', 'Strict', 'Warn'].includes(validation)) {
    problems.push(unsupported('fieldValidation', validation, ['', 'Ignore', 'Strict', 'Warn']));
  }
  return problems;
}

function unsupported(path: string, value: unknown, supported: string[]): FieldProblem {
  const names = supported.map((name) => JSON.stringify(name)).join(', ');
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${names}`;
  return { path, reason: 'FieldValueNotSupported', message };
}
const forbiddenOption = (path: string, why: string): FieldProblem => ({
  path,
  reason: 'FieldValueForbidden',
  message: `Forbidden: ${why}`,
});

function listProblems(verb: string, options: RequestOptions): FieldProblem[] {
  if (verb === 'watch') return watchProblems(options);
  if (verb !== 'list') return [];
  if (options.sendInitialEvents !== undefined) {
    return [forbiddenOption('sendInitialEvents', 'sendInitialEvents is forbidden for list')];
  }
  const { resourceVersionMatch: match, resourceVersion: version } = options;
  if (match === '') return [];
  const problems: FieldProblem[] = [];
  if (version === '') {
    problems.push(
      forbiddenOption('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided'),
    );
  }
  if (options.continue !== '') {
    problems.push(
      forbiddenOption('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided'),
    );
  }
  if (match !== 'Exact' && match !== 'NotOlderThan') {
    problems.push(unsupported('resourceVersionMatch', match, ['Exact', 'NotOlderThan']));
  }
  if (match === 'Exact' && version === '0') {
    problems.push(
      forbiddenOption('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'),
    );
  }
  return problems;
}

function watchProblems({ sendInitialEvents, resourceVersionMatch: match }: RequestOptions): FieldProblem[] {
  const path = 'resourceVersionMatch';
  if (sendInitialEvents === undefined) {
    const why = 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided';
    return match === '' ? [] : [forbiddenOption(path, why)];
  }
  if (match === 'NotOlderThan') return [];
  const problems = [forbiddenOption(path, 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan')];
  if (match !== '') problems.push(unsupported(path, match, ['NotOlderThan']));
  return problems;
}

/** A resourceVersion as a revision: undefined when none was given. A get and a watch fail differently from a list. */
export function parseResourceVersion(text: string, verb: 'get' | 'list' | 'watch'): number | undefined {
  if (text === '') return undefined;
  if (/^\d+$/.test(text)) return Number(text);
  const why = `Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`;
  if (verb === 'list') throw badRequest(`resourceVersion: ${why}`);
  throw new ApiError(500, '', `resourceVersion: ${why}`);
}
