// A tus server that keeps uploads in FOLDER. Usage: node tus_server.mjs NODE_MODULES PORT FOLDER
import { createRequire } from 'node:module'

const [modules, port, directory] = process.argv.slice(2)
const { resolve } = createRequire(`${modules}/`)
const { Server } = await import(resolve('@tus/server'))
const { FileStore } = await import(resolve('@tus/file-store'))

new Server({ path: '/files', datastore: new FileStore({ directory }) }).listen({ host: '127.0.0.1', port: Number(port) })
