// An etcd of three members, of which one is lost: the others answer, so nobody notices.
import { EtcdStore } from '@conet/host/cluster/etcd-store'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EtcdProcess } from '../../support/etcd-process.ts'
import { eventually } from '../../support/eventually.ts'

const ports = [2379, 2389, 2399]
let members: EtcdProcess[]
let store: EtcdStore

beforeEach(async () => {
  members = await Promise.all(ports.map((port) => EtcdProcess.start({ port, members: ports })))
  store = new EtcdStore({ endpoints: members.map(({ endpoint }) => endpoint) })
})
afterEach(async () => {
  store.close()
  await Promise.all(members.map((member) => member[Symbol.asyncDispose]()))
})

const put = (key: string) => store.commit([], [{ put: key, value: key }])

/** So many that each member is asked several times, unless it is known to be away. */
const keys = Array.from({ length: 30 }, (_, n) => `/k${n}`)

/** While a new leader is elected nobody takes anything. */
const electedAnew = () => eventually(() => members.at(-1)?.control('put', '/elected', 'yes'))

async function expectAnswers(): Promise<void> {
  for (const key of keys) expect(await put(key)).toMatchObject({ committed: true })
  for (const key of keys) expect(await store.get(key)).toMatchObject({ value: key })
}

describe('an etcd of three members', () => {
  it('answers each call when one of them is killed, and when that is back and another one is', async () => {
    const abort = new AbortController()
    const { signal } = abort
    const watched: string[] = []
    const watch = async (): Promise<void> => {
      const { revision } = await store.list('/k')
      await store.watch('/k', {
        after: revision,
        signal,
        changed: (changes) => watched.push(...changes.map(({ key }) => key)),
      })
    }
    const watches = Promise.all(keys.slice(0, 9).map(() => watch().catch(() => undefined)))
    await expectAnswers()
    for (const member of members.slice(0, 2)) {
      await member.stop('SIGKILL')
      await electedAnew()
      // A member that has answered a moment before is asked once more.
      await put('/k0').catch(() => undefined)
      await expectAnswers()
      await member.start()
    }
    expect(watched).not.toEqual([])
    abort.abort()
    await watches
  })

  it('answers but for one call when one of them stands still', async () => {
    await expectAnswers()
    const [first] = members
    await first?.pause()
    await electedAnew()
    let failed = 0
    for (const key of keys) await put(key).catch(() => (failed += 1))
    expect(failed).toBeLessThanOrEqual(2)
  })

  it('says that it cannot be reached, and not that it was not asked, when none is left', async () => {
    await expectAnswers()
    for (const member of members) await member.stop('SIGKILL')
    for (const key of keys.slice(0, 5))
      await expect(put(key)).rejects.toMatchObject({
        kind: 'clusterUnavailable',
        message: expect.stringMatching(/etcd cannot be reached: .*ECONN/),
      })
    await Promise.all(members.map((member) => member.start()))
    await eventually(() => put('/again'))
  })
})
