// A shared store whose answers to reads are on their way until the test lets them come: they say what was there when it was asked.
import { MemoryStore } from './memory-store.ts'

export class SlowStore extends MemoryStore {
  /** Of what is asked from now on. */
  arrival = Promise.resolve()

  override async get(key: string) {
    const { arrival } = this
    const entry = await super.get(key)
    await arrival
    return entry
  }

  override async list(prefix: string) {
    const { arrival } = this
    const answer = await super.list(prefix)
    await arrival
    return answer
  }

  /** Holds what is asked from now on back until the function that it returns is called. */
  hold(): () => void {
    let arrive: () => void = () => undefined
    this.arrival = new Promise((resolve) => {
      arrive = resolve
    })
    return arrive
  }
}
