/** A builder that is published for everybody. */
export interface KnownBuilder {
  readonly vendor: string;
  readonly image: string;
  /** What it says of itself where its registry cannot be asked. */
  readonly description: string;
  /** Whether it is suggested to those who have none. */
  readonly isSuggested: boolean;
}

function known(vendor: string, image: string, description: string, isSuggested = true): KnownBuilder {
  return { vendor, image, description, isSuggested };
}

/** The builders pack knows and trusts, in the order it suggests them. */
export const knownBuilders: readonly KnownBuilder[] = [
  known(
    "Google",
    "gcr.io/buildpacks/builder:google-22",
    "Ubuntu 22.04; .NET, Dart, Go, Java, Node.js, PHP, Python, Ruby",
  ),
  known("Heroku", "heroku/builder:20", "Ubuntu 20.04; Go, Java, Node.js, PHP, Python, Ruby, Scala", false),
  known("Heroku", "heroku/builder:22", "Ubuntu 22.04; Go, Java, Node.js, PHP, Python, Ruby, Scala", false),
  known("Heroku", "heroku/builder:24", "Ubuntu 24.04; Go, Java, Node.js, PHP, Python, Ruby, Scala"),
  known("Heroku", "heroku/builder:26", "Ubuntu 26.04; .NET, Go, Java, Node.js, Python, Scala", false),
  known(
    "Paketo Buildpacks",
    "paketobuildpacks/builder-jammy-base",
    "Ubuntu 22.04, small; Java, Node.js, Go, .NET, Python, Ruby",
  ),
  known(
    "Paketo Buildpacks",
    "paketobuildpacks/builder-jammy-buildpackless-static",
    "Ubuntu 22.04, an empty run image for static programs",
  ),
  known(
    "Paketo Buildpacks",
    "paketobuildpacks/builder-jammy-full",
    "Ubuntu 22.04, large; Java, Node.js, Go, .NET, Python, Ruby, PHP",
  ),
  known(
    "Paketo Buildpacks",
    "paketobuildpacks/builder-jammy-tiny",
    "Ubuntu 22.04, a run image without a shell; Go, Java",
  ),
  known(
    "Paketo Buildpacks",
    "paketobuildpacks/builder-ubi8-base",
    "Universal Base Image 8; Node.js, Java; image extensions",
  ),
  known("Paketo Buildpacks", "paketobuildpacks/ubi-10-builder", "Universal Base Image 10; Node.js; image extensions"),
  known("Paketo Buildpacks", "paketobuildpacks/ubi-9-builder", "Universal Base Image 9; Node.js; image extensions"),
  known("Paketo Buildpacks", "paketobuildpacks/ubuntu-noble-builder", "Ubuntu 24.04, small; Java, Node.js, .NET"),
];
