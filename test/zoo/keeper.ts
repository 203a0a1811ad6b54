// The process in which broken drivers live that are shown to a host.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { repository } from '../support/repository.ts'

export type Shown = { readonly name: string /** Without one it is good. */; readonly mutation?: string }

export type KeeperOrder =
  | { readonly act: 'show'; readonly directory: string; readonly drivers: readonly Shown[] }
  | { readonly act: 'hide'; readonly names: readonly string[] }

const program = join(repository, 'test/dist/programs/keeper.js')

export class Keeper implements AsyncDisposable {
  readonly #process: ChildProcess = fork(program)
  readonly #ended = once(this.#process, 'exit')

  /** Resolves when their sockets stand in the directory, each under the name of its driver. */
  show(directory: string, drivers: readonly Shown[]): Promise<void> {
    return this.#order({ act: 'show', directory, drivers })
  }

  /** Resolves when their sockets are gone. */
  hide(names: readonly string[]): Promise<void> {
    return this.#order({ act: 'hide', names })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#ended
  }

  async #order(order: KeeperOrder): Promise<void> {
    const done = once(this.#process, 'message')
    this.#process.send(order)
    const ended = this.#ended.then(([code]) => {
      throw new Error(`the keeper of the zoo ended with ${code}`)
    })
    await Promise.race([done, ended])
  }
}
