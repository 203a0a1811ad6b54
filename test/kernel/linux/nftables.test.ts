import { execFileSync, spawnSync } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { KernelError, type Namespace, Nftables, nftInterfaceName, nftString } from '@conet/sdk/linux'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { NamespaceFixture } from '../../support/namespace-fixture.ts'

let fixture: NamespaceFixture
let namespace: Namespace
let nftables: Nftables

beforeEach(() => {
  fixture = new NamespaceFixture()
  namespace = fixture.make('a')
  nftables = Nftables.open(namespace)
})

afterEach(() => {
  nftables.close()
  fixture[Symbol.dispose]()
})

const ruleset = () => fixture.exec('a', 'nft list ruleset')

function refusalOf(work: () => void): KernelError {
  try {
    work()
  } catch (error) {
    if (KernelError.is(error)) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('a transaction', () => {
  it('is done once and without an error while signals come', () => {
    const program = fileURLToPath(new URL('./under-signals.mjs', import.meta.url))
    const { times, signals } = JSON.parse(execFileSync(process.execPath, [program], { encoding: 'utf8' }))
    expect(times).toBeGreaterThan(20)
    expect(signals).toBeGreaterThan(20)
  })

  it('changes the namespace of the context and no other', () => {
    const outside = execFileSync('nft', ['list', 'ruleset'], { encoding: 'utf8' })
    nftables.run('add table inet mine')
    expect(ruleset()).toMatch(/table inet mine/)
    expect(execFileSync('nft', ['list', 'ruleset'], { encoding: 'utf8' })).toBe(outside)
  })

  it.each([
    ['a syntax error in its last line', 'add table ip t1\nadd table ip t2\nadd frob'],
    [
      'a refusal by the kernel in its last line',
      'add table ip t1\nadd chain ip t1 c\nadd rule ip t1 none accept',
    ],
    ['a delete of what is not there in one line', 'add table ip t1; delete table ip none'],
  ])('does nothing at all after %s, also not in what comes next', (_, text) => {
    expect(refusalOf(() => nftables.run(text))).toBeDefined()
    expect(ruleset()).toBe('')
    expect(refusalOf(() => nftables.run('add chain ip t1 d')).code).toBe('ENOENT')
    expect(ruleset()).toBe('')
  })

  it('looks interfaces up in its own namespace', () => {
    fixture.exec('a', 'ip link add only-here type veth peer name peer-here')
    nftables.run('add table ip t; add chain ip t c; add rule ip t c iif "only-here" accept')
    expect(ruleset()).toMatch(/iif "only-here" accept/)
    fixture.exec('a', 'ip link del only-here; ip link add later type veth')
    nftables.run('add rule ip t c iif "later" accept')
    expect(ruleset()).toMatch(/iif "later" accept/)
  })

  it('takes 5,000 elements at once', () => {
    const elements = Array.from({ length: 5000 }, (_, n) => `"veth${n}" : accept`).join(', ')
    nftables.run(
      `add table ip t\nadd map ip t m { type ifname : verdict; }\nadd element ip t m { ${elements} }`,
    )
    const [map] = nftables.list('map ip t m')
    expect(JSON.stringify(map).match(/veth/g)).toHaveLength(5000)
  })

  it('prints nothing on stdout or stderr', () => {
    const script = `
      import { Nftables } from '@conet/sdk/linux'
      const nftables = Nftables.open()
      nftables.run('add table ip t')
      nftables.run('list ruleset')
      nftables.list('ruleset')
      try { nftables.run('frob') } catch {}
      nftables.run('delete table ip t')
      nftables.close()`
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
    expect(child).toMatchObject({ status: 0, stdout: '', stderr: '' })
  })
})

describe('a refused transaction', () => {
  it('is named with the bad token, its line and the operation', () => {
    const text = 'add table ip t\nadd chain ip t c\nadd rule ip t c tcp dpot 80 accept'
    const error = refusalOf(() => nftables.run(text, 'open port 80'))
    expect(error.code).toBe('EINVAL')
    expect(error.message).toBe(
      'open port 80: syntax error, unexpected string, at "dpot" in line 3: add rule ip t c tcp dpot 80 accept (EINVAL)',
    )
  })

  it('is named with the token in a text of one line', () => {
    const error = refusalOf(() => nftables.run('add rule ip t c ip saddr { 1.2.3.4/33 }'))
    expect(error.kernelMessage).toMatch(/Prefix length 33 .* at "1\.2\.3\.4\/33"/)
  })

  it('carries the errno: not there, there already, in use', () => {
    nftables.run('add table ip t; add chain ip t c; add chain ip t d; add rule ip t c jump d')
    expect(refusalOf(() => nftables.run('delete table ip none')).code).toBe('ENOENT')
    expect(refusalOf(() => nftables.run('create table ip t')).code).toBe('EEXIST')
    expect(refusalOf(() => nftables.run('delete chain ip t d')).code).toBe('EBUSY')
    expect(refusalOf(() => nftables.run('add chain ip none c')).code).toBe('ENOENT')
    expect(refusalOf(() => nftables.list('table ip none')).code).toBe('ENOENT')
  })
})

describe('a context', () => {
  it('sees what other programs change, in both directions', () => {
    nftables.run('add table ip t; add chain ip t c')
    fixture.exec('a', 'nft flush ruleset; nft add table ip other; nft add chain ip other c')
    expect(refusalOf(() => nftables.run('add rule ip t c accept')).code).toBe('ENOENT')
    nftables.run('add rule ip other c accept')
    expect(nftables.list('ruleset').map((object) => Object.keys(object)[0])).toEqual([
      'table',
      'chain',
      'rule',
    ])
    fixture.exec('a', 'nft add map ip other m "{ type ifname : verdict; }"')
    nftables.run('add element ip other m { "x" : drop }')
    fixture.exec('a', 'nft delete element ip other m "{ \\"x\\" }"')
    nftables.run('add element ip other m { "x" : accept }')
    expect(ruleset()).toMatch(/"x" : accept/)
  })

  it('lists an empty ruleset as nothing', () => {
    expect(nftables.list('ruleset')).toEqual([])
  })

  it('is of no use after close, which may be repeated, and the rules stay', () => {
    nftables.run('add table ip t')
    nftables.close()
    nftables.close()
    expect(() => nftables.run('add table ip u')).toThrow(/was closed/)
    expect(ruleset()).toMatch(/table ip t/)
  })
})

describe('names in a ruleset', () => {
  it('an interface name that is accepted means exactly that interface', () => {
    nftables.run('add table ip t; add set ip t s { type ifname; }')
    fc.assert(
      fc.property(text(15), (name) => {
        const quoted = accepted(() => nftInterfaceName(name))
        fc.pre(quoted !== undefined)
        nftables.run(`add element ip t s { ${quoted} }`)
        const [set] = nftables.list('set ip t s')
        nftables.run('flush set ip t s')
        expect(set).toMatchObject({ set: { elem: [name] } })
      }),
      { numRuns: 200 },
    )
  })

  it('a comment that is accepted comes back as it was', () => {
    nftables.run('add table ip t')
    fc.assert(
      fc.property(text(60), (comment) => {
        const quoted = accepted(() => nftString(comment))
        fc.pre(quoted !== undefined)
        nftables.run(`add chain ip t c; add rule ip t c counter comment ${quoted}`)
        const listed = nftables.list('chain ip t c')
        nftables.run('delete chain ip t c')
        expect(listed[1]).toMatchObject({ rule: { comment } })
      }),
      { numRuns: 200 },
    )
  })
})

it('a machine without libnftables is told which package to install', () => {
  const library = realpathSync('/usr/lib/x86_64-linux-gnu/libnftables.so.1')
  const script = `
    import { Nftables } from '@conet/sdk/linux'
    try { Nftables.open() } catch (error) { console.log(error.kind, error.help) }`
  const hide = `mount --bind /dev/null ${library} && exec "$0" "$@"`
  const argv = ['-m', 'sh', '-c', hide, process.execPath, '--input-type=module', '-e', script]
  const child = spawnSync('unshare', argv, { encoding: 'utf8' })
  expect(child.stdout.trim()).toBe('failedPrecondition Install it: apt-get install libnftables1')
})

function accepted(quote: () => string): string | undefined {
  try {
    return quote()
  } catch {
    // Refused, which is always safe.
    return undefined
  }
}

/** The characters of the language itself as often as all others. */
function text(maxLength: number): fc.Arbitrary<string> {
  const ascii = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength })
  return fc.oneof(ascii, fc.string({ unit: 'binary', minLength: 1, maxLength }))
}
