// What runc needs of a container: a root file system of busybox alone, and a config.json.
import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { programPath } from './program-path.ts'

const applets = ['sh', 'sleep', 'ifconfig', 'ping', 'ip']

type RuncConfig = {
  process: { terminal: boolean; args: string[]; rlimits?: unknown; capabilities: Record<string, string[]> }
  root: { path: string; readonly: boolean }
  hostname: string
  mounts: { destination: string }[]
  linux: { cgroupsPath?: string }
}

/** The root file system that all containers share; nobody writes to it. */
export function makeRootFileSystem(directory: string): string {
  const root = join(directory, 'rootfs')
  for (const folder of ['bin', 'proc', 'sys', 'dev', 'tmp'])
    mkdirSync(join(root, folder), { recursive: true })
  copyFileSync(programPath('busybox'), join(root, 'bin/busybox'))
  chmodSync(join(root, 'bin/busybox'), 0o755)
  for (const applet of applets) symlinkSync('busybox', join(root, 'bin', applet))
  return root
}

/** A bundle whose process waits until it is killed. */
export function makeBundle(directory: string, { name, root }: { name: string; root: string }): void {
  const bundle = join(directory, name)
  mkdirSync(bundle)
  execFileSync(programPath('runc'), ['spec', '--bundle', bundle])
  const file = join(bundle, 'config.json')
  const config: RuncConfig = JSON.parse(readFileSync(file, 'utf8'))
  const { process: container } = config
  container.terminal = false
  container.args = ['sleep', '1000000']
  // Root may lack the right to raise limits, as in containers and sandboxes.
  delete container.rlimits
  for (const set of Object.values(container.capabilities)) set.push('CAP_NET_RAW')
  config.root = { path: root, readonly: true }
  config.hostname = name
  config.mounts = config.mounts.filter(({ destination }) => destination !== '/sys/fs/cgroup')
  // Of its own, so that two demos at once do not meet.
  config.linux.cgroupsPath = `/conet-demo-${process.pid}-${name}`
  writeFileSync(file, JSON.stringify(config))
}

/** `runc` with its records in the directory, under its own name for whoever has the answer in PATH. */
export function makeRuncCommand(directory: string): string {
  const folder = join(directory, 'bin')
  mkdirSync(folder)
  const script = `#!/bin/sh\nexec ${programPath('runc')} --root ${join(directory, 'runc')} "$@"\n`
  writeFileSync(join(folder, 'runc'), script, { mode: 0o755 })
  return folder
}
