// The pages of the protocol as data: their rules, their sections, their examples. It judges nothing.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { notifications } from '@conet/sdk'
import type { ProtocolRule } from '@conet/sdk/conformance'
import { repository } from './repository.ts'

const rule = /^- \*\*([A-Z]+-[1-9][0-9]*)\*\* \((MUST|SHOULD), (driver|host|both)\) (\S.*)$/
const example = /^```json\n([\s\S]*?)^```$/gm
/** A fence has one message after the other; each begins in the first column. */
const messageStart = /^(?=\{)/m

export function protocolPage(): string {
  return readFileSync(join(repository, 'docs/protocol.md'), 'utf8')
}

/** What only drivers need whose networks span hosts. */
export function peersPage(): string {
  return readFileSync(join(repository, 'docs/protocol-peers.md'), 'utf8')
}

/** What only drivers need that have policies, ports or counters. */
export function policyPage(): string {
  return readFileSync(join(repository, 'docs/protocol-policy.md'), 'utf8')
}

/** What only drivers need that route in a namespace of their own. */
export function sandboxPage(): string {
  return readFileSync(join(repository, 'docs/protocol-sandbox.md'), 'utf8')
}

/** All pages, one behind the other. */
export function protocolPages(): string {
  return [protocolPage(), peersPage(), policyPage(), sandboxPage()].join('\n')
}

/** In the order of the page. */
export function rulesOf(page: string): ProtocolRule[] {
  return page.split('\n').flatMap((line) => {
    const [, id, level, binds, text] = rule.exec(line) ?? []
    if (id === undefined || text === undefined || !isLevel(level) || !isSide(binds)) return []
    return [{ id, level, binds, text }]
  })
}

/** Every JSON message of the page, fence by fence. Throws a SyntaxError for one that is no JSON. */
export function examplesOf(page: string): unknown[][] {
  return [...page.matchAll(example)].map(([, text = '']) =>
    text
      .split(messageStart)
      .filter((part) => part.trim() !== '')
      .map((part): unknown => JSON.parse(part)),
  )
}

/** The requests and notifications among the examples that this side sends. */
export function messagesFrom(side: 'host' | 'driver'): ExampleMessage[] {
  const fromDriver = Object.entries(notifications).flatMap(([method, { from }]) =>
    from === 'driver' ? [method] : [],
  )
  return examplesOf(protocolPage())
    .flat()
    .filter(isExampleMessage)
    .filter(({ method }) => fromDriver.includes(method) === (side === 'driver'))
}

export type ExampleMessage = { readonly [key: string]: unknown; readonly method: string }

function isExampleMessage(value: unknown): value is ExampleMessage {
  return typeof value === 'object' && value !== null && 'method' in value && typeof value.method === 'string'
}

/** The methods that stand in headings. */
export function methodsWithSection(page: string): string[] {
  const headings = page.split('\n').filter((line) => line.startsWith('#'))
  return headings.flatMap((line) => [...line.matchAll(/`([^`]+)`/g)].map(([, method = '']) => method))
}

function isLevel(text: string | undefined): text is ProtocolRule['level'] {
  return text === 'MUST' || text === 'SHOULD'
}

function isSide(text: string | undefined): text is ProtocolRule['binds'] {
  return text === 'driver' || text === 'host' || text === 'both'
}
