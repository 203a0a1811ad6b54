// Synchronous work that no signal interrupts: for libraries that take an interrupted system call (EINTR) for a failure. Each event of
// rtnetlink is a signal to this process (SIGIO), so they are frequent where links come and go.
import { checkedErrno, libc } from './libc.ts'

/** Returns an errno, and leaves the thread's alone. */
const pthread_sigmask: (how: number, signals: Buffer, former: Buffer | null) => number = libc.func(
  'int pthread_sigmask(int how, void *signals, void *former)',
)

const SIG_BLOCK = 0
const SIG_SETMASK = 2
/** A sigset_t. */
const maskBytes = 128
const allSignals = Buffer.alloc(maskBytes, 0xff)

/** Signals to this thread wait until `work` has returned; other threads have theirs. 2 µs. Calls may be nested. */
export function withoutSignals<T>(work: () => T): T {
  const former = Buffer.alloc(maskBytes)
  checkedErrno(pthread_sigmask(SIG_BLOCK, allSignals, former), 'hold back signals')
  try {
    return work()
  } finally {
    checkedErrno(pthread_sigmask(SIG_SETMASK, former, null), 'let signals in')
  }
}
