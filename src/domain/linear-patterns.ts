import { RE2JS } from 're2js';
import { cutText } from './cut-text.js';

/** Compiling one of 1,000 characters takes at most 0.6 s: `a{1000}` repeated has 140,000 steps. */
export const MAX_PATTERN = 1_000;
/** Steps of all patterns of a schema together: `[a-z]{1,64}` has 130. A step takes some hundred bytes of memory. */
export const MAX_PROGRAM = 20_000;
/** Steps times characters for one payload. Each takes 40 ns at worst, so all take a second; mostly it is below 1 ns. */
export const MAX_PATTERN_WORK = 25_000_000;

/** The texts of a value are too long for the patterns of its schema. */
export class PatternWorkError extends Error {}

/** The patterns of one schema. Their time and memory are bounded, whatever pattern and text are. */
export interface LinearPatterns {
  /** Replaces `RegExp` in Ajv. Throws where a pattern is refused. */
  regExp: { (pattern: string, flags: string): RegExp; code: string };
  /** Starts the check of a value. `test` throws a PatternWorkError above MAX_PATTERN_WORK. */
  begin(): void;
}

/** RE2 takes time with the length of a text times the steps of a pattern: no lookaround, no references to groups. */
export function createLinearPatterns(): LinearPatterns {
  const known = new Map<string, RegExp>();
  let program = 0;
  let workLeft = MAX_PATTERN_WORK;

  function regExp(pattern: string): RegExp {
    const before = known.get(pattern);
    if (before) return before;
    const expression = compile(pattern);
    const steps = expression.programSize();
    program += steps;
    if (program > MAX_PROGRAM)
      throw new Error(
        `all patterns together have at most ${MAX_PROGRAM} steps, and x{100} has 100: ${cutText(pattern)}`,
      );
    const test = (text: string) => {
      workLeft -= (text.length + 1) * steps;
      if (workLeft < 0) throw new PatternWorkError();
      return expression.test(text);
    };
    // Ajv calls only these two; the text is its key.
    const made = { test, toString: () => pattern } as RegExp;
    known.set(pattern, made);
    return made;
  }

  return {
    regExp: Object.assign(regExp, { code: 'regExp' }),
    begin: () => void (workLeft = MAX_PATTERN_WORK),
  };
}

function compile(pattern: string): RE2JS {
  if (pattern.length > MAX_PATTERN)
    throw new Error(`a pattern has at most ${MAX_PATTERN} characters: ${cutText(pattern)}`);
  try {
    return RE2JS.compile(RE2JS.translateRegExp(pattern));
  } catch (error) {
    const reason = cutText((error as Error).message);
    throw new Error(`the pattern ${cutText(pattern)} is not one of RE2 (${reason})`, { cause: error });
  }
}
