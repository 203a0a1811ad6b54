import { getEventListeners } from 'node:events'
import { deadline, onAbort } from '@conet/sdk'
import { describe, expect, it } from 'vitest'
import { recordingPeer, socketPair } from '../jsonrpc/socket-pair.ts'

const listenersOf = (signal: AbortSignal) => getEventListeners(signal, 'abort').length

describe('who wants to know when a signal aborts', () => {
  it('is called once, in order, with however many others, over one listener of the signal', () => {
    const controller = new AbortController()
    const called: number[] = []
    for (let n = 0; n < 50; n++) onAbort(controller.signal, () => called.push(n))
    expect(listenersOf(controller.signal)).toBe(1)
    controller.abort()
    controller.abort()
    expect(called).toEqual([...called.keys()])
    expect(called).toHaveLength(50)
  })

  it('is not called after it was disposed of, also by another one of them, and leaves no listener', () => {
    const controller = new AbortController()
    const called: string[] = []
    const gone = onAbort(controller.signal, () => called.push('gone'))
    onAbort(controller.signal, () => late[Symbol.dispose]())
    const late = onAbort(controller.signal, () => called.push('late'))
    for (let time = 0; time < 2; time++) gone[Symbol.dispose]()
    controller.abort()
    expect(called).toEqual([])
    const other = new AbortController()
    onAbort(other.signal, () => called.push('other'))[Symbol.dispose]()
    expect(listenersOf(other.signal)).toBe(0)
  })

  it('is called soon for a signal that has aborted, unless it was disposed of', async () => {
    const called: string[] = []
    onAbort(AbortSignal.abort(), () => called.push('wanted'))
    onAbort(AbortSignal.abort(), () => called.push('unwanted'))[Symbol.dispose]()
    expect(called).toEqual([])
    await Promise.resolve()
    expect(called).toEqual(['wanted'])
  })

  it('is called also when one before it throws, which shows itself as any bug does', async () => {
    const controller = new AbortController()
    const called: string[] = []
    onAbort(controller.signal, () => {
      throw new TypeError('a bug')
    })
    onAbort(controller.signal, () => called.push('later'))
    const others = process.listeners('uncaughtException')
    process.removeAllListeners('uncaughtException')
    const uncaught = new Promise((resolve) => process.once('uncaughtException', resolve))
    try {
      controller.abort()
      expect(called).toEqual(['later'])
      expect(await uncaught).toEqual(new TypeError('a bug'))
    } finally {
      for (const other of others) process.on('uncaughtException', other)
    }
  })

  it('may be twenty calls over a connection', async () => {
    await using pair = await socketPair()
    const { peer } = recordingPeer(pair.near)
    const controller = new AbortController()
    const options = { timeoutMs: 10_000, signal: controller.signal }
    const calls = Array.from({ length: 20 }, () => peer.request('m', {}, options))
    expect(listenersOf(controller.signal)).toBe(1)
    controller.abort()
    const outcomes = await Promise.allSettled(calls)
    expect(outcomes.map(({ status }) => status)).toEqual(calls.map(() => 'rejected'))
    expect(listenersOf(controller.signal)).toBe(0)
  })

  it('may be twenty deadlines of one caller', () => {
    const controller = new AbortController()
    const limits = Array.from({ length: 20 }, () => deadline(10_000, 'plug', controller.signal))
    expect(listenersOf(controller.signal)).toBe(1)
    for (const limit of limits) limit[Symbol.dispose]()
    expect(listenersOf(controller.signal)).toBe(0)
  })
})
