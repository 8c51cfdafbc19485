package android.graphics;

public class Matrix {
  float scaleX = 1;
  float scaleY = 1;
  float left;
  float top;

  public void setScale(float scaleX, float scaleY) {
    this.scaleX = scaleX;
    this.scaleY = scaleY;
    left = top = 0;
  }

  public boolean postTranslate(float left, float top) {
    this.left += left;
    this.top += top;
    return true;
  }
}
