"""The pages a browser sees: their TypeScript sources, how they are built, and how they are served."""
