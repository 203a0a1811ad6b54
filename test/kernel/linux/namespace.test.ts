import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  bindNamespace,
  deleteNamespace,
  isNamespacePath,
  KernelError,
  makeNamespace,
  Namespace,
  releaseNamespaceDirectory,
} from '@conet/sdk/linux'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { countOpenFiles } from '../../support/open-files.ts'
import { assertNoStrayThreads } from '../../support/threads.ts'

let directory: string
let before: string

const mountinfo = () => readFileSync('/proc/self/mountinfo', 'utf8')
const openFiles = () => countOpenFiles(/^net:|conet-ns-/)

/** What the namespace's own /proc/net shows; the file belongs to the task that opens it. */
const interfacesIn = (namespace: Namespace) =>
  namespace.run(() => readFileSync('/proc/thread-self/net/dev', 'utf8'))

beforeEach(() => {
  before = mountinfo()
  directory = mkdtempSync(join(tmpdir(), 'conet-ns-'))
})

afterEach(() => {
  releaseNamespaceDirectory(directory)
  expect(readdirSync(directory)).toEqual([])
  rmSync(directory, { recursive: true })
  expect(mountinfo()).toBe(before)
  assertNoStrayThreads()
})

describe('a kept namespace', () => {
  it('[D2] is a new network namespace at the path, read-only and with nothing but loopback', () => {
    const path = join(directory, 'a')
    makeNamespace(path)
    using namespace = Namespace.open(path)
    using home = Namespace.current()
    expect(namespace.id).not.toBe(home.id)
    expect(isNamespacePath(path)).toBe(true)
    expect(interfacesIn(namespace)).not.toMatch(/eth|veth/)
    deleteNamespace(path)
    expect(existsSync(path)).toBe(false)
  })

  it('leaves no thread elsewhere, no mount, no file and no open descriptor after 200 makes and deletes', async () => {
    // Start libuv's thread pool first, so that there are more threads than one to look at.
    await readFile('/proc/self/stat')
    makeNamespace(join(directory, 'first'))
    deleteNamespace(join(directory, 'first'))
    const mounts = mountinfo()
    const files = openFiles()
    for (let n = 0; n < 200; n++) makeNamespace(join(directory, `n${n}`))
    assertNoStrayThreads()
    for (let n = 0; n < 200; n++) deleteNamespace(join(directory, `n${n}`))
    assertNoStrayThreads()
    expect(readdirSync(directory)).toEqual([])
    expect(mountinfo()).toBe(mounts)
    expect(openFiles()).toBe(files)
  })

  it('is refused with EEXIST where something is, and that something stays', () => {
    const path = join(directory, 'a')
    makeNamespace(path)
    using first = Namespace.open(path)
    expect(() => makeNamespace(path)).toThrow(KernelError)
    expect(() => makeNamespace(path)).toThrow(/make network namespace .*EEXIST/)
    using still = Namespace.open(path)
    expect(still.id).toBe(first.id)
    deleteNamespace(path)
  })

  it('leaves no file when the mount fails', () => {
    const path = join(directory, 'a')
    using closed = Namespace.current()
    closed.close()
    expect(() => bindNamespace(closed, path)).toThrow(/closed/)
    expect(existsSync(path)).toBe(false)
  })

  it('is refused at a relative path and at one that climbs', () => {
    for (const path of ['a', `${directory}/x/../a`, `${directory}/a/`]) {
      expect(() => makeNamespace(path)).toThrow(/absolute/)
      expect(() => deleteNamespace(path)).toThrow(/absolute/)
    }
  })

  it('is seen by a process with a mount namespace of its own that was made before it', async () => {
    const path = join(directory, 'a')
    makeNamespace(join(directory, 'first'))
    const other = spawn('unshare', [
      '-m',
      '--propagation',
      'slave',
      'sh',
      '-c',
      'echo; read line; stat -fc %T "$0"',
      path,
    ])
    let output = ''
    other.stdout.on('data', (data) => (output += data))
    await once(other.stdout, 'data')
    makeNamespace(path)
    other.stdin.end('\n')
    await once(other, 'close')
    expect(output.trim()).toBe('nsfs')
    deleteNamespace(path)
    deleteNamespace(join(directory, 'first'))
  })

  it('makes one mount only, not two, on a mount that is shared already', () => {
    const shared = join(directory, 'shared')
    mkdirSync(shared)
    spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', shared])
    spawnSync('mount', ['--make-shared', shared])
    const mounts = mountinfo().split('\n').length
    makeNamespace(join(shared, 'ns/a'))
    expect(mountinfo().split('\n').length).toBe(mounts + 1)
    deleteNamespace(join(shared, 'ns/a'))
    expect(mountinfo().split('\n').length).toBe(mounts)
    spawnSync('umount', [shared])
    rmSync(shared, { recursive: true })
  })
})

describe('delete of a namespace', () => {
  it('succeeds when it is gone, when its directory is gone, and twice', () => {
    const path = join(directory, 'a')
    makeNamespace(path)
    deleteNamespace(path)
    deleteNamespace(path)
    deleteNamespace(join(directory, 'never/was'))
  })

  it('takes away a file that a crash left between making it and mounting', () => {
    const path = join(directory, 'a')
    writeFileSync(path, '')
    deleteNamespace(path)
    expect(existsSync(path)).toBe(false)
  })

  it('refuses a file with content, a directory and a symbolic link to a namespace', () => {
    const file = join(directory, 'file')
    const link = join(directory, 'link')
    const folder = join(directory, 'folder')
    writeFileSync(file, 'mine')
    symlinkSync('/proc/self/ns/net', link)
    mkdirSync(folder)
    expect(() => deleteNamespace(file)).toThrow(expect.objectContaining({ kind: 'invalidSandbox' }))
    expect(() => deleteNamespace(folder)).toThrow(expect.objectContaining({ kind: 'invalidSandbox' }))
    expect(() => deleteNamespace(link)).toThrow(KernelError)
    expect(readFileSync(file, 'utf8')).toBe('mine')
    for (const path of [file, link, folder]) rmSync(path, { recursive: true })
  })

  it('frees the name also while another mount namespace keeps a copy of the mount', async () => {
    const path = join(directory, 'a')
    makeNamespace(path)
    const other = spawn('unshare', ['-m', '--propagation', 'private', 'sh', '-c', 'echo; read line'])
    await once(other.stdout, 'data')
    deleteNamespace(path)
    expect(existsSync(path)).toBe(false)
    other.stdin.end('\n')
    await once(other, 'close')
  })
})

describe('a bound namespace', () => {
  it('outlives the process whose namespace it was', async () => {
    const path = join(directory, 'a')
    const owner = spawn('unshare', ['-n', 'sh', '-c', 'ip link add mark0 type veth; echo; read line'])
    await once(owner.stdout, 'data')
    using source = Namespace.open(`/proc/${owner.pid}/ns/net`)
    const { id } = source
    bindNamespace(source, path)
    source.close()
    owner.stdin.end('\n')
    await once(owner, 'close')
    using bound = Namespace.open(path)
    expect(bound.id).toBe(id)
    expect(interfacesIn(bound)).toMatch(/mark0/)
    deleteNamespace(path)
  })

  it('may be bound again to the same path, but not over another one', () => {
    const [one, two, target] = [join(directory, 'one'), join(directory, 'two'), join(directory, 'target')]
    makeNamespace(one)
    makeNamespace(two)
    using first = Namespace.open(one)
    using second = Namespace.open(two)
    bindNamespace(first, target)
    bindNamespace(first, target)
    expect(() => bindNamespace(second, target)).toThrow(/EEXIST/)
    for (const path of [one, two, target]) deleteNamespace(path)
  })
})

describe('a stretch inside a namespace', () => {
  let path: string
  let namespace: Namespace

  beforeEach(() => {
    path = join(directory, 'inside')
    makeNamespace(path)
    namespace = Namespace.open(path)
  })

  afterEach(() => {
    namespace.close()
    deleteNamespace(path)
  })

  it('happens there, gives back the result, and ends where it began', () => {
    using home = Namespace.current()
    const seen = namespace.run(() => {
      using current = Namespace.current()
      return current.id
    })
    using after = Namespace.current()
    expect(seen).toBe(namespace.id)
    expect(after.id).toBe(home.id)
  })

  it('ends where it began when the work throws', () => {
    expect(() =>
      namespace.run(() => {
        throw new Error('broken')
      }),
    ).toThrow('broken')
    assertNoStrayThreads()
  })

  it('may be nested, and each end leads one step back', () => {
    using home = Namespace.current()
    namespace.run(() => {
      home.run(() => expect(networkInterfaces()).toBeDefined())
      using current = Namespace.current()
      expect(current.id).toBe(namespace.id)
    })
  })

  it('is refused to an async function, which is not even started, and to a function that returns a promise', () => {
    let started = false
    expect(() =>
      namespace.run(async () => {
        started = true
      }),
    ).toThrow(/must be synchronous/)
    expect(started).toBe(false)
    expect(() => namespace.run(() => Promise.resolve())).toThrow(/must be synchronous/)
  })

  it('is refused after close, and the descriptor with it', () => {
    namespace.close()
    namespace.close()
    expect(() => namespace.run(() => 1)).toThrow(/was closed/)
    expect(() => namespace.fd).toThrow(/was closed/)
  })

  it('kills the process, with a word on stderr, when there is no way back', () => {
    const script = `
      import { closeSync, readdirSync, readlinkSync } from 'node:fs'
      import { Namespace } from '@conet/sdk/linux'
      const home = readlinkSync('/proc/self/ns/net')
      const target = Namespace.open(process.argv[1])
      target.run(() => {
        for (const fd of readdirSync('/proc/self/fd')) {
          try { if (readlinkSync('/proc/self/fd/' + fd) === home) closeSync(Number(fd)) } catch {}
        }
      })
      console.log('survived')`
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', script, path], {
      encoding: 'utf8',
    })
    expect(child.signal).toBe('SIGABRT')
    expect(child.stderr).toMatch(/cannot leave a network namespace/)
    expect(child.stdout).toBe('')
  })
})

describe('opening a namespace', () => {
  it('is refused with EINVAL for a file and for a namespace of another type, with ENOENT for nothing', () => {
    const code = (path: string) => {
      try {
        Namespace.open(path).close()
        return undefined
      } catch (error) {
        return KernelError.is(error) ? error.code : error
      }
    }
    expect(code('/proc/self/ns/mnt')).toBe('EINVAL')
    expect(code('/proc/self/status')).toBe('EINVAL')
    expect(code(directory)).toBe('EINVAL')
    expect(code(join(directory, 'none'))).toBe('ENOENT')
    expect(code('/proc/self/ns/net')).toBeUndefined()
  })

  it('leaves no descriptor open, whether it succeeds or not', () => {
    const files = openFiles()
    for (let n = 0; n < 50; n++) {
      Namespace.current().close()
      expect(() => Namespace.open('/proc/self/ns/mnt')).toThrow(KernelError)
    }
    expect(openFiles()).toBe(files)
  })
})

it('a file made for a namespace cannot be written to', () => {
  const path = join(directory, 'a')
  makeNamespace(path)
  expect(statSync(path).mode & 0o222).toBe(0)
  deleteNamespace(path)
})
