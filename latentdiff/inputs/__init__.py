"""What people name a side by (arrays, files, folders, tables, archives, views) → vectors or image files."""
