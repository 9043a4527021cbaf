import { RE2JS } from 're2js';
import { spend, type Work } from './check-work.js';
import { cutText } from './cut-text.js';

export const MAX_PATTERN = 1_000;
/** Steps of all patterns of a schema together: `[a-z]{1,64}` has 130. Compiling them takes some 50 ms. */
export const MAX_PROGRAM = 20_000;
/** Bytes that a pattern keeps for each of its steps: 20 MB for a schema. Re2js would keep 8 MiB for each pattern. */
const BYTES_PER_STEP = 1_024;
/** Each pattern counts as many steps at least: fewer bytes would make it slow, and a call takes as long as these do. */
const MIN_STEPS = 64;
/** Steps at once, where a pattern begins with ^ and its next step depends on the next character alone. */
const ONE_PASS = 4;
const MAX_OPTIONAL = 50;

/**
 * Replaces `RegExp` in Ajv. RE2 takes time with the length of a text times the steps of a pattern, which are drawn on
 * `work`: no lookaround, no references to groups. Throws where a pattern is refused.
 */
export function createLinearPatterns(work: Work): { (pattern: string, flags: string): RegExp; code: string } {
  const known = new Map<string, RegExp>();
  let programLeft = MAX_PROGRAM;

  function regExp(pattern: string): RegExp {
    const before = known.get(pattern);
    if (before) return before;
    const expression = compilePattern(pattern);
    const steps = expression.programSize();
    programLeft -= Math.max(steps, MIN_STEPS);
    if (programLeft < 0) throw new Error(tooManySteps(pattern));
    const perCharacter = expression.re2().onepass === null ? steps : 1 + steps / ONE_PASS;
    const test = (text: string) => {
      spend(work, MIN_STEPS + text.length * perCharacter);
      return expression.test(text);
    };
    // Ajv calls only these two; the text is its key.
    const made = { test, toString: () => pattern } as RegExp;
    known.set(pattern, made);
    return made;
  }

  return Object.assign(regExp, { code: 'regExp' });
}

const tooManySteps = (pattern: string) =>
  `all patterns together have at most ${MAX_PROGRAM} steps, x{100} has 100, and each has ${MIN_STEPS} at least: ${cutText(pattern)}`;

/** Exported for its test. */
export function compilePattern(pattern: string): RE2JS {
  if (pattern.length > MAX_PATTERN)
    throw new Error(`a pattern has at most ${MAX_PATTERN} characters: ${cutText(pattern)}`);
  if (countRepeated(pattern) > MAX_PROGRAM) throw new Error(tooManySteps(pattern));
  try {
    const translated = RE2JS.translateRegExp(pattern);
    // Making a one-pass program of 490 optional characters takes two seconds; re2js makes none of a group.
    const isOnePass = (pattern.match(/[?*]/g) ?? []).length <= MAX_OPTIONAL;
    const expression = RE2JS.compile(isOnePass ? translated : `(${translated})`);
    const { dfa } = expression.re2();
    dfa.stateBudget = dfa.memBudget = Math.max(expression.programSize(), MIN_STEPS) * BYTES_PER_STEP;
    return expression;
  } catch (error) {
    const reason = cutText((error as Error).message);
    throw new Error(`the pattern ${cutText(pattern)} is not one of RE2 (${reason})`, { cause: error });
  }
}

const TOKEN = /\\[pPxu]\{[^}]*\}|\\.|\[(?:\\.|[^\]\\])*\]|\{\d+(?:,\d*)?\}|[^]/g;

/** The characters of a pattern in which `x{100}` counts 100: about as many steps, known before it is compiled. */
function countRepeated(pattern: string): number {
  const open: number[] = [];
  let size = 0;
  let last = 0;
  for (const [token] of pattern.matchAll(TOKEN)) {
    // RE2 takes all after \Q literally, which this count would not notice; JavaScript does not know \Q.
    if (token === '\\Q') throw new Error('\\Q is not supported');
    if (token === '(') {
      open.push(size);
      size = 0;
    } else if (token === ')') {
      last = size;
      size += open.pop() ?? 0;
    } else if (/^\{\d/.test(token)) {
      const times = Math.max(...token.slice(1, -1).split(',').map(Number));
      size += last * (times - 1);
      last *= times;
    } else {
      last = 1;
      size++;
    }
  }
  return open.reduce((sum, one) => sum + one, size);
}
