// Who wants to know when a signal aborts. A signal has one listener however many want to: a caller may give hundreds of
// calls the same one, and Node warns of a leak at the eleventh.

type Waiting = { readonly listeners: Set<() => void>; readonly tellAll: () => void }

const waiting = new WeakMap<AbortSignal, Waiting>()

/**
 * Calls `listener` once when the signal aborts; soon, if it has already. Dispose of what is returned, once or more, when
 * it is not to be called any more.
 */
export function onAbort(signal: AbortSignal, listener: () => void): Disposable {
  // Of its own, so that the same function may be given twice.
  const own = () => listener()
  if (signal.aborted) return soon(own)
  const { listeners } = waiting.get(signal) ?? listenTo(signal)
  listeners.add(own)
  return { [Symbol.dispose]: () => forget(signal, own) }
}

function soon(listener: () => void): Disposable {
  let isWanted = true
  queueMicrotask(() => {
    if (isWanted) listener()
  })
  return {
    [Symbol.dispose]() {
      isWanted = false
    },
  }
}

function listenTo(signal: AbortSignal): Waiting {
  const listeners = new Set<() => void>()
  const tellAll = () => {
    // One that another disposes of meanwhile is not called: a set's iteration leaves it out.
    for (const listener of listeners) callSafely(listener)
    waiting.delete(signal)
  }
  signal.addEventListener('abort', tellAll, { once: true })
  const made = { listeners, tellAll }
  waiting.set(signal, made)
  return made
}

/** A bug in one keeps nothing from the others, and shows itself as it would without them. */
function callSafely(listener: () => void): void {
  try {
    listener()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}

/** Without anybody who waits there is no listener: Node keeps signals that have one alive, such as those of `any`. */
function forget(signal: AbortSignal, listener: () => void): void {
  const found = waiting.get(signal)
  if (found === undefined) return
  found.listeners.delete(listener)
  if (found.listeners.size > 0) return
  waiting.delete(signal)
  signal.removeEventListener('abort', found.tellAll)
}
