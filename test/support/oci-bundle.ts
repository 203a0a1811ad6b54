// A container as an OCI runtime takes it: a root file system with busybox and nothing else, and its configuration.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { hookProgram } from './shims.ts'

export type BundleOptions = {
  /** An existing, empty directory. */
  readonly directory: string
  readonly annotations: Readonly<Record<string, string>>
  /** What the container runs: `sh -c script`. */
  readonly script: string
  /** The container's own name; `runc` without it. */
  readonly hostname?: string
  /** A file that the runtime binds over `/etc/hosts`, as podman does. */
  readonly hostsFile?: string
  /** conetd's. */
  readonly socket: string
}

const applets = ['sh', 'ip', 'cat', 'sleep', 'true']

/** `/etc` is there, and neither `hosts` nor `resolv.conf` in it. */
export function makeRootFileSystem(directory: string): void {
  for (const name of ['bin', 'etc', 'proc', 'sys', 'dev', 'tmp'])
    mkdirSync(join(directory, name), { recursive: true })
  copyFileSync('/bin/busybox', join(directory, 'bin/busybox'))
  for (const applet of applets) symlinkSync('busybox', join(directory, 'bin', applet))
}

/** Writes `config.json` and the root file system; both hooks are there. */
export function makeBundle({
  directory,
  annotations,
  script,
  hostname,
  hostsFile,
  socket,
}: BundleOptions): void {
  makeRootFileSystem(join(directory, 'rootfs'))
  execFileSync('runc', ['spec', '--bundle', directory])
  const file = join(directory, 'config.json')
  const config = JSON.parse(readFileSync(file, 'utf8'))
  const hook = (stage: string) => [
    { path: process.execPath, args: ['node', hookProgram, '--socket', socket, stage], timeout: 60 },
  ]
  const { rlimits: _mayNotBeRaised, ...process_ } = config.process
  writeFileSync(
    file,
    JSON.stringify({
      ...config,
      ...(hostname === undefined ? {} : { hostname }),
      mounts: [...config.mounts, ...(hostsFile === undefined ? [] : [hostsMount(hostsFile)])],
      process: { ...process_, terminal: false, args: ['sh', '-c', script] },
      annotations,
      hooks: { createRuntime: hook('createRuntime'), poststop: hook('poststop') },
    }),
  )
}

function hostsMount(source: string) {
  return { destination: '/etc/hosts', type: 'bind', source, options: ['bind', 'rprivate'] }
}

/** crun takes cgroups of both versions at once for an error. The mount namespace is the test's own. */
export function leaveHybridCgroups(): void {
  const unified = '/sys/fs/cgroup/unified'
  const isMounted = readFileSync('/proc/self/mounts', 'utf8').includes(` ${unified} `)
  if (isMounted) execFileSync('umount', [unified])
}

export function removeBundle(directory: string): void {
  rmSync(directory, { recursive: true, force: true })
}
