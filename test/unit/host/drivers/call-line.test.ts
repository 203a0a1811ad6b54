import { CallLine } from '@conet/host/drivers/call-line'
import { describe, expect, it } from 'vitest'

const waiting = { what: 'endpoint/plug', timeoutMs: 10_000, isUrgent: false }

/** Enters, and notes its name when it is in. */
function enter(line: CallLine, inside: string[], name: string, isUrgent = false): void {
  const turn = line.enter({ ...waiting, isUrgent })
  if (turn === undefined) inside.push(name)
  else void turn.then(() => inside.push(name))
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('the line in which calls wait', () => {
  it('lets as many through at once as may be, and the others in their order as those leave', async () => {
    const line = new CallLine(2)
    const inside: string[] = []
    for (const name of ['a', 'b', 'c', 'd']) enter(line, inside, name)
    expect(inside).toEqual(['a', 'b'])
    line.leave()
    await settled()
    expect(inside).toEqual(['a', 'b', 'c'])
    line.leave()
    await settled()
    expect(inside).toEqual(['a', 'b', 'c', 'd'])
  })

  it('lets what ends something go before what makes something', async () => {
    const line = new CallLine(1)
    const inside: string[] = []
    enter(line, inside, 'first')
    enter(line, inside, 'plug')
    enter(line, inside, 'unplug', true)
    enter(line, inside, 'delete', true)
    for (let n = 0; n < 3; n++) {
      line.leave()
      await settled()
    }
    expect(inside).toEqual(['first', 'unplug', 'delete', 'plug'])
  })

  it('lets nobody in while one of those who shut it holds it', async () => {
    const line = new CallLine()
    const inside: string[] = []
    const one = line.shut()
    const two = line.shut()
    enter(line, inside, 'a')
    enter(line, inside, 'b')
    one[Symbol.dispose]()
    one[Symbol.dispose]()
    await settled()
    expect([line.isShut, inside]).toEqual([true, []])
    two[Symbol.dispose]()
    await settled()
    expect([line.isShut, inside]).toEqual([false, ['a', 'b']])
  })

  it('says what is left of the time of a call, and gives it up when its time is over or its caller leaves', async () => {
    const line = new CallLine()
    const held = line.shut()
    const patient = line.enter(waiting)
    const hasty = line.enter({ ...waiting, timeoutMs: 5 })
    const leaving = new AbortController()
    const given = line.enter({ ...waiting, signal: leaving.signal })
    leaving.abort()
    await expect(given).rejects.toMatchObject({ kind: 'cancelled', operationState: 'not-started' })
    await expect(hasty).rejects.toMatchObject({ kind: 'deadlineExceeded', operationState: 'not-started' })
    await expect(line.enter({ ...waiting, signal: AbortSignal.abort() })).rejects.toMatchObject({
      kind: 'cancelled',
    })
    held[Symbol.dispose]()
    expect(await patient).toBeLessThanOrEqual(10_000 - 4)
  })

  it('is bounded', async () => {
    const line = new CallLine()
    line.shut()
    for (let n = 0; n < 10_000; n++) line.enter({ ...waiting, timeoutMs: 60_000 })?.catch(() => undefined)
    await expect(line.enter(waiting)).rejects.toMatchObject({
      kind: 'overloaded',
      operationState: 'not-started',
    })
  })
})
