import {
  holdsName,
  isUnderWay,
  nextState,
  type SessionState,
  type SessionStep,
  takesCalls,
  transitions,
} from '@conet/host/drivers/session-state'
import { describe, expect, it } from 'vitest'

const walk = (from: SessionState, ...steps: SessionStep[]) => steps.reduce(nextState, from)

describe('the states of a driver session', () => {
  it('[K2] reaches ready only through the handshake and the sync', () => {
    expect(walk('dialing', 'connected', 'accepted', 'synced')).toBe('ready')
    expect(() => nextState('dialing', 'accepted')).toThrow('no step "accepted" from "dialing"')
    expect(() => nextState('initializing', 'synced')).toThrow('no step "synced"')
  })

  it('degrades on a missed deadline and recovers on an answer, without a new connection', () => {
    expect(walk('ready', 'missed')).toBe('degraded')
    expect(walk('ready', 'missed', 'missed', 'answered')).toBe('ready')
  })

  it('becomes ready beside another instance by a promotion, and comes back from being relieved by a sync', () => {
    expect(walk('dialing', 'connected', 'seconded', 'promoted')).toBe('ready')
    expect(walk('ready', 'relieved', 'recalled', 'synced')).toBe('ready')
    expect(walk('degraded', 'relieved', 'refused')).toBe('rejected')
    expect(() => nextState('standby', 'synced')).toThrow()
  })

  it('comes back after a lost connection, whatever the state', () => {
    for (const state of [
      'dialing',
      'initializing',
      'syncing',
      'ready',
      'degraded',
      'standby',
      'draining',
    ] as const) {
      expect(walk(state, 'lost', 'retry')).toBe('dialing')
    }
  })

  it('does not retry a rejected driver unless what it was rejected for has changed', () => {
    expect(walk('initializing', 'refused')).toBe('rejected')
    expect(() => nextState('rejected', 'retry')).toThrow()
    expect(nextState('rejected', 'reconsidered')).toBe('dialing')
  })

  it('[K1] ends from every state when the socket is removed, and takes no step after', () => {
    for (const state of Object.keys(transitions) as SessionState[]) {
      if (state !== 'gone') expect(nextState(state, 'removed')).toBe('gone')
    }
    expect(transitions.gone).toEqual({})
  })

  it('takes calls when ready or degraded, and holds its name from the handshake on', () => {
    const states = Object.keys(transitions) as SessionState[]
    expect(states.filter(takesCalls)).toEqual(['ready', 'degraded'])
    expect(states.filter(holdsName)).toEqual(['syncing', 'ready', 'degraded'])
    expect(states.filter(isUnderWay)).toEqual(['dialing', 'initializing', 'syncing', 'standby'])
  })
})
