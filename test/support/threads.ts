// Proof that no thread of this process was left behind in a foreign network namespace.
import { readdirSync, readlinkSync } from 'node:fs'

/** Thread id → network namespace (`net:[4026531840]`), of all threads of this process. */
function threadNamespaces(): Map<string, string> {
  const found = new Map<string, string>()
  for (const thread of readdirSync('/proc/self/task')) {
    const namespace = namespaceOfThread(thread)
    if (namespace !== undefined) found.set(thread, namespace)
  }
  return found
}

/** Throws, naming the strays, unless every thread is in the network namespace of the calling one. */
export function assertNoStrayThreads(): void {
  const home = readlinkSync('/proc/thread-self/ns/net')
  const strays = [...threadNamespaces()].filter(([, namespace]) => namespace !== home)
  if (strays.length === 0) return
  throw new Error(`home is ${home}, but these threads are elsewhere: ${strays.join('; ')}`)
}

function namespaceOfThread(thread: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/task/${thread}/ns/net`)
  } catch (error) {
    // The thread ended between the listing and the look.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
