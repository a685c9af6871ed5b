// Removes packages that the server doesn't need at run time: npm also installs those of
// devDependencies that another workspace needs.
// usage: prune.js APP MANIFEST [PACKAGE...]
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'

const [app, manifest, ...more] = process.argv.slice(2)
const root = join(app, 'node_modules')
const needed = new Set()

for (const name of more) addPackage(name, app)
addDependencies(join(app, manifest))

let removed = 0
removeOthers(root)
process.stdout.write(`${needed.size} packages, ${removed} removed\n`)

function addDependencies(file) {
  const { dependencies = {}, optionalDependencies = {}, peerDependencies = {} } = JSON.parse(readFileSync(file, 'utf8'))
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) {
    addPackage(name, dirname(file))
  }
}

/** Finds it as Node does. Optional ones of other platforms, and optional peers, may be missing. */
function addPackage(name, folder) {
  const path = join(folder, 'node_modules', name)
  if (existsSync(join(path, 'package.json'))) {
    if (needed.has(path)) return
    needed.add(path)
    addDependencies(join(path, 'package.json'))
  } else if (folder !== dirname(folder) && folder.startsWith(app)) addPackage(name, dirname(folder))
}

function removeOthers(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if (name.startsWith('@')) removeOthers(path)
    else if (!needed.has(path)) {
      rmSync(path, { recursive: true })
      removed += 1
    } else if (existsSync(join(path, 'node_modules'))) removeOthers(join(path, 'node_modules'))
  }
  if (readdirSync(folder).length === 0 && statSync(folder).isDirectory()) rmSync(folder, { recursive: true })
}
