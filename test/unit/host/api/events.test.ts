import { connect, type Socket } from 'node:net'
import { listenOn } from '@conet/host/api/standing-socket'
import { describe, expect, it, vi } from 'vitest'
import { eventually } from '../../../support/eventually.ts'
import { temporaryDirectory } from '../../../support/temporary-directory.ts'
import { apiFixture } from './api-fixture.ts'

class Listener implements Disposable {
  readonly socket: Socket
  text = ''

  constructor(
    path: string,
    { target = '/events', headers = '' }: { target?: string; headers?: string } = {},
  ) {
    this.socket = connect(path)
    this.socket.setEncoding('utf8')
    this.socket.on('data', (text) => {
      this.text += text
    })
    this.socket.write(`GET ${target} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`)
  }

  /** Of events; not that with which the stream opens. */
  get ids(): number[] {
    return [...this.text.matchAll(/^id: (\d+)\nevent/gm)].map(([, id]) => Number(id))
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}

async function served() {
  const directory = await temporaryDirectory()
  const api = await apiFixture()
  const path = `${directory.path}/s.sock`
  await listenOn(api.app, { path, mode: 0o600 })
  return {
    ...api,
    path,
    async [Symbol.asyncDispose]() {
      await api[Symbol.asyncDispose]()
      await directory[Symbol.asyncDispose]()
    },
  }
}

describe('GET /events', () => {
  it('sends each event with its id, and what was missed to who says what it saw last', async () => {
    await using api = await served()
    for (const type of ['a', 'b', 'c']) api.feed.push(type)
    using since = new Listener(api.path, { target: '/events?since=1' })
    using resumed = new Listener(api.path, { target: '/events?since=1', headers: 'Last-Event-ID: 2\r\n' })
    using fresh = new Listener(api.path)
    await eventually(() => api.feed.listeners.size === 1 && fresh.text.includes('alive'))
    await eventually(() => since.ids.length === 2)
    api.feed.push('d')
    await eventually(() => expect(since.ids).toEqual([2, 3, 4]))
    await eventually(() => expect(resumed.ids).toEqual([3, 4]))
    await eventually(() => expect(fresh.ids).toEqual([4]))
    expect(fresh.text).toContain('event: d\ndata: {"id":4,')
  })

  it('opens with the id of the last event, and no event, for who has seen none', async () => {
    await using api = await served()
    for (const type of ['a', 'b', 'c']) api.feed.push(type)
    using fresh = new Listener(api.path)
    await eventually(() => /^id: 3\n\n/m.test(fresh.text))
    api.feed.push('d')
    await eventually(() => expect(fresh.ids).toEqual([4]))
  })

  it('says resync when the past is gone', async () => {
    await using api = await served()
    const since = vi.spyOn(api.feed, 'since')
    using listener = new Listener(api.path, { target: '/events?since=77' })
    await eventually(() => listener.text.includes('event: resync\n'))
    // Nothing of the log is copied to find its end.
    expect(since.mock.calls).toEqual([[77]])
  })

  it('does not wait for a client that stops reading: it gets the rest when it reads again, and all that is kept at once', async () => {
    await using api = await served()
    using slow = new Listener(api.path)
    await eventually(() => slow.text.includes('alive'))
    slow.socket.pause()
    for (let n = 0; n < 3_000; n++) api.feed.push('x'.repeat(1_000))
    using late = new Listener(api.path, { target: '/events?since=0' })
    slow.socket.resume()
    const all = Array.from({ length: 3_001 }, (_, n) => n + 1)
    api.feed.push('after')
    for (const { ids } of [slow, late]) expect(ids.length).toBeLessThan(3_000)
    for (const listener of [slow, late]) {
      await eventually(() => expect(listener.ids).toHaveLength(3_001))
      expect(listener.ids).toEqual(all)
      expect(listener.text).not.toContain('resync')
    }
  })

  it('says resync to one that stops reading for longer than the past is kept, and goes on with what happens', async () => {
    await using api = await served()
    using slow = new Listener(api.path)
    await eventually(() => slow.text.includes('alive'))
    slow.socket.pause()
    for (let n = 0; n < 6_000; n++) api.feed.push('x'.repeat(1_000))
    slow.socket.resume()
    await eventually(() => slow.text.includes('event: resync\n'))
    expect(slow.ids.length).toBeLessThan(3_000)
    api.feed.push('after')
    await eventually(() => slow.text.includes('event: after\n'))
    expect(slow.ids.at(-1)).toBe(6_001)
    expect(slow.text.split('event: resync')).toHaveLength(2)
  })

  it('forgets clients that went, and ends the others when the server closes', async () => {
    await using api = await served()
    const gone = new Listener(api.path)
    await eventually(() => api.feed.listeners.size === 1)
    gone.socket.destroy()
    await eventually(() => api.feed.listeners.size === 0)
    using staying = new Listener(api.path)
    await eventually(() => api.feed.listeners.size === 1)
    await api.app.close()
    await eventually(() => staying.socket.destroyed || staying.socket.readableEnded)
    expect(api.feed.listeners.size).toBe(0)
  })
})
