// For programs that live long and do little at a time: conetd and drivers (docs/decisions/0024).
import { setFlagsFromString } from 'node:v8'

/** An eighth of V8's own: bytes of executed bytecode in Node 20 (67,584), calls since Node 21 (3,000, and 400 of Maglev). */
const earlier =
  Number.parseInt(process.versions.node, 10) < 21
    ? ['--interrupt-budget=8000']
    : ['--invocation-count-for-turbofan=375', '--invocation-count-for-maglev=50']

/**
 * Has V8 optimize a function after an eighth of the work that it usually waits for. For a process of its own that serves:
 * when it has started, so that nothing is optimized that runs only then, and before it has served much, since V8 asks
 * for the old amount once more of what has run a few times. It holds for the whole process. May be repeated. Not where
 * the environment says `CONET_COMPILE_EARLY=no`, for programs that live for seconds: in tests.
 */
export function compileEarly(): void {
  if (process.env.CONET_COMPILE_EARLY === 'no') return
  for (const flag of earlier) setFlagsFromString(flag)
}
