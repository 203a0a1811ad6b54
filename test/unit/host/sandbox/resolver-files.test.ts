import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { ResolverFiles } from '@conet/host/sandbox/resolver-files'
import { expect, it, onTestFinished } from 'vitest'
import { temporaryDirectory } from '../../../support/temporary-directory.ts'

const saying = (addresses: string[]) => ({
  dns: undefined,
  hosts: { handle: 'box', hostname: undefined, addresses, extraHosts: undefined },
})

it('writes files anew in place, to their new length, so that what is bound into a container changes with them', async () => {
  await using directory = await temporaryDirectory()
  const files = new ResolverFiles(directory.path, undefined)
  const hosts = join(directory.path, 'box', 'hosts')

  const umask = process.umask(0o077)
  onTestFinished(() => void process.umask(umask))
  files.write('box', saying(['10.0.0.2', '10.0.0.3']))
  const { ino } = statSync(hosts)
  files.write('box', saying(['10.0.0.4']))

  expect(readFileSync(hosts, 'utf8')).toBe('127.0.0.1\tlocalhost\n::1\tlocalhost\n10.0.0.4\tbox\n')
  expect(statSync(hosts).ino).toBe(ino)
  // Whoever runs in the container reads them.
  expect(statSync(hosts).mode & 0o777).toBe(0o644)
})
