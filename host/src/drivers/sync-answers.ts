// Reads drivers' answers to syncs. A driver that is back answers as it did last time, to the letter: such an answer is
// neither parsed nor checked again, and who acted on it knows the object. It knows no driver: the same text is the same
// answer, whoever gives it.
import type { RequestMethod, Result } from '@conet/sdk'
import { isJsonObject, type JsonObject } from '@conet/sdk/jsonrpc'

/** Shorter text is parsed as it is. */
const shortest = 2 * 1024
const resultMark = '"result":'
/** Where it is looked for. */
const longestHead = 64
/** Of all texts that are kept; when it is reached, they are forgotten. */
const mostKept = 16 * 1024 ** 2

type Answer = {
  /** From the mark to the end of the message. */
  readonly text: string
  readonly result: unknown
  /** What came after it last time. */
  next: Answer | undefined
}

export class SyncAnswers {
  readonly #byText = new Map<string, Answer>()
  readonly #checked = new WeakSet<object>()
  #kept = 0
  #last: Answer | undefined
  /** Of results that were parsed, and may be answers to syncs. */
  readonly #texts = new WeakMap<object, string>()

  /** As `JSON.parse`, for any message. */
  parse(text: string): unknown {
    const at = text.length < shortest ? -1 : text.slice(0, longestHead).indexOf(resultMark)
    if (at === -1) return JSON.parse(text)
    const head = headOf(text.slice(0, at))
    if (head === undefined) return JSON.parse(text)
    const tail = text.slice(at)
    const known = this.#known(tail)
    if (known !== undefined) return { ...head, result: known.result }
    const rest: unknown = JSON.parse(`{${tail}`)
    // Else something of the message is in the tail that belongs to this one alone.
    if (!isJsonObject(rest) || Object.keys(rest).length !== 1) return JSON.parse(text)
    const { result } = rest
    if (isJsonObject(result)) this.#texts.set(result, tail)
    return { ...head, result }
  }

  /** Whether `remember` was told of it. */
  isChecked<M extends RequestMethod>(method: M, result: unknown): result is Result<M> {
    return method === 'driver/sync' && isJsonObject(result) && this.#checked.has(result)
  }

  /** A page of a sync was answered so, and the answer is right. Nobody may change it from now on. */
  remember(result: object): void {
    const read = this.#texts.get(result)
    if (read === undefined) return
    this.#texts.delete(result)
    this.#kept += read.length
    if (this.#kept > mostKept) this.#forget(read.length)
    // A copy of its own: a part of a text keeps the whole.
    const answer = { text: Buffer.from(read).toString(), result, next: undefined }
    this.#byText.set(answer.text, answer)
    this.#checked.add(result)
    this.#follow(answer)
  }

  #known(text: string): Answer | undefined {
    const next = this.#last?.next
    const known = next?.text === text ? next : this.#byText.get(text)
    if (known !== undefined) this.#follow(known)
    return known
  }

  #follow(answer: Answer): void {
    if (this.#last !== undefined && this.#last.next !== answer) this.#last.next = answer
    this.#last = answer
  }

  #forget(kept: number): void {
    this.#byText.clear()
    this.#last = undefined
    this.#kept = kept
  }
}

/** The members before the result; undefined: that is not where it stands. */
function headOf(text: string): JsonObject | undefined {
  try {
    const message: unknown = JSON.parse(`${text}${resultMark}null}`)
    if (!isJsonObject(message) || message.result !== null) return undefined
    const { result: _stand, ...head } = message
    return head
  } catch {
    // The text as a whole will say what is wrong with it.
    return undefined
  }
}
