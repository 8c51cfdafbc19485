package android.graphics;

public class Canvas {
  private final Bitmap target;

  public Canvas(Bitmap target) {
    this.target = target;
  }

  /** Takes the nearest pixel. */
  public void drawBitmap(Bitmap source, Matrix matrix, Paint paint) {
    for (int y = 0; y < target.getHeight(); y++)
      for (int x = 0; x < target.getWidth(); x++) {
        int column = (int) Math.floor((x + 0.5f - matrix.left) / matrix.scaleX);
        int row = (int) Math.floor((y + 0.5f - matrix.top) / matrix.scaleY);
        if (row >= 0 && row < source.getHeight() && column >= 0 && column < source.getWidth())
          target.colors[y * target.getWidth() + x] = source.colors[row * source.getWidth() + column];
      }
  }
}
